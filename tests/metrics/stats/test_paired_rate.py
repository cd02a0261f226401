import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.stats.paired_rate import Pairs, match, paired_upper
from harness.metrics.stats.proportion import exact_lower, exact_upper

CELLS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12
)


def test_single_rows_put_exact_bounds_together() -> None:
    ours, theirs = np.zeros(50), np.zeros(50)
    ours[:3], theirs[2:7] = 1.0, 1.0
    found = paired_upper(np.ones(50), match(ours, theirs), 1.0, 0.95)
    up, down = float(exact_upper(2, 50, 0.95)), float(exact_lower(4, 50, 0.95))
    assert found == pytest.approx(-0.04 + np.hypot(up - 0.04, 0.08 - down))


def test_no_event_counts_prompts_and_not_their_repeats() -> None:
    none = np.zeros(125)
    found = paired_upper(np.full(125, 4.0), Pairs(none, none, none), 1.3, 0.95)
    assert found == pytest.approx(1 - 0.05 ** (1 / 125))


def test_events_on_our_side_alone_everywhere_bound_nothing() -> None:
    ones, none = np.ones(9), np.zeros(9)
    assert paired_upper(ones, match(ones, none), 2.0, 0.95) == 1.0


@settings(max_examples=200, deadline=None)
@given(CELLS, st.sampled_from([0.5, 1.0, 1.5]), st.data())
def test_it_never_falls_when_a_kind_of_pair_gets_worse(
    cells: list[tuple[int, int, int]], scale: float, data: st.DataObject
) -> None:
    parts = np.array(cells, dtype=float)
    sizes = np.full(len(cells), 10.0)
    signs = np.array([1.0, -1.0, np.sign(1.0 - scale)])
    place, kind = data.draw(st.integers(0, len(cells) - 1)), data.draw(st.integers(0, 2))
    worse = parts.copy()
    worse[place, kind] = max(0.0, worse[place, kind] + signs[kind])
    before, after = (
        paired_upper(sizes, Pairs(*part.T), scale, 0.95) for part in (parts, worse)
    )
    assert after >= before - 1e-9


def test_rare_clustered_differences_are_covered_where_a_t_interval_is_not() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    runs, held, held_by_t = 600, 0, 0
    for _ in range(runs):
        ours = np.where(rng.random(125) < 0.022, 4.0, 0.0)
        held += paired_upper(np.full(125, 4.0), match(ours, np.zeros(125)), 1.0, 0.95) >= 0.022
        shares = ours / 4.0
        held_by_t += shares.mean() + 1.657 * shares.std(ddof=1) / np.sqrt(125) >= 0.022
    assert held / runs >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)
    assert held_by_t / runs < 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)
