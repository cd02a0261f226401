from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.errors import SpecError
from harness.metrics.estimate import METHODS, SEQUENTIAL_METHODS, Estimate, estimate
from harness.metrics.stats.betting import betting_lower, betting_upper
from harness.protocols import (
    Count,
    Kind,
    Mean,
    MetricDef,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)

NOTHING = np.array([], dtype=np.int64)


def largest(values: NDArray[np.float64]) -> float | None:
    return float(values.max()) if values.size > 1 else None


KINDS: dict[str, Kind] = {
    "proportion": Proportion("bad"),
    "mean": Mean("x", (-1.0, 1.0)),
    "unbounded mean": Mean("x"),
    "ratio": Ratio("x", "one"),
    "quantile": Quantile("x", 0.5),
    "count": Count("k"),
    "per prompt": PerPrompt("x", largest, (-1.0, 1.0)),
}


def assess(
    kind: Kind, columns: Any, clusters: Any, missing: Any = NOTHING, *,
    looks: int = 0, confidence: float = 0.95,
) -> Estimate:  # fmt: skip
    return estimate(
        MetricDef(kind=kind, unit="x", better="lower"), columns,
        np.asarray(clusters, dtype=np.int64), missing=np.asarray(missing, dtype=np.int64),
        confidence=confidence, looks=looks,
    )  # fmt: skip


def table(rows: list[tuple[int, int]]) -> tuple[dict[str, NDArray[Any]], list[int]]:
    tenths = np.array([row[1] for row in rows], dtype=np.int64)
    columns = {"bad": tenths > 6, "x": tenths / 10.0, "one": np.ones(tenths.size), "k": tenths}
    return columns, [row[0] for row in rows]


EVEN = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=2, max_size=10).map(
    lambda pairs: [(i, value) for i, pair in enumerate(pairs) for value in pair]
)


def test_a_rate_is_bounded_by_bets_on_the_rates_of_its_prompts() -> None:
    bad = [1, 0, 0, 0, 1, 1]
    found = assess(Proportion("bad"), {"bad": bad}, [0, 0, 1, 1, 2, 2], looks=3)
    rates = np.array([0.5, 0.0, 1.0])
    assert found.value == 0.5
    assert (found.low, found.high) == (betting_lower(rates, 0.95), betting_upper(rates, 0.95))


def test_no_findings_in_300_prompts_are_bounded_as_a_bet_says() -> None:
    zeros = {"bad": np.zeros(300)}
    found = assess(Proportion("bad"), zeros, range(300), looks=1)
    fixed = assess(Proportion("bad"), zeros, range(300))
    assert found.high == betting_upper(np.zeros(300), 0.95)
    assert found.high is not None
    assert fixed.high is not None
    assert fixed.high < found.high < 1.4 * fixed.high


def test_a_mean_is_bounded_within_its_declared_bounds() -> None:
    x = np.array([2.0, 4.0, 3.0, 3.0])
    found = assess(Mean("x", (1.0, 5.0)), {"x": x}, range(4), looks=5)
    assert found.high == 1.0 + 4.0 * betting_upper((x - 1.0) / 4.0, 0.95)


def test_a_missing_row_counts_as_the_worst_for_each_bound() -> None:
    found = assess(Mean("x", (0, 1)), {"x": [0.5, 0.25]}, [0, 1], [1, 0], looks=2)
    assert found.high == betting_upper(np.array([0.75, 0.625]), 0.95)
    assert found.low == betting_lower(np.array([0.25, 0.125]), 0.95)
    per = assess(
        PerPrompt("x", largest, (0, 1)), {"x": [0.5, 0.2, 0.3]}, [0, 0, 1], [1], looks=2
    )
    assert per.high == betting_upper(np.array([0.5, 1.0]), 0.95)
    assert per.low == betting_lower(np.array([0.5, 0.0]), 0.95)


@pytest.mark.parametrize("name", ["unbounded mean", "ratio", "quantile"])
def test_what_no_bet_fits_shares_its_error_out_among_looks(name: str) -> None:
    columns, clusters = table([(i, i * 7 % 11) for i in range(40)])
    found = assess(KINDS[name], columns, clusters, looks=10)
    assert found == assess(KINDS[name], columns, clusters, confidence=1 - (1 - 0.95) / 10)


def test_prompts_of_unequal_size_share_the_error_out() -> None:
    columns, clusters = table([(0, 1), (0, 8), (1, 3), (2, 9)])
    found = assess(Proportion("bad"), columns, clusters, looks=4)
    assert found == assess(Proportion("bad"), columns, clusters, confidence=1 - (1 - 0.95) / 4)


def test_a_count_stays_a_census() -> None:
    columns, clusters = table([(0, 1), (1, 3)])
    assert assess(Count("k"), columns, clusters, looks=9) == assess(
        Count("k"), columns, clusters
    )


def test_looks_are_counted_from_zero() -> None:
    columns, clusters = table([(0, 1), (1, 3)])
    with pytest.raises(SpecError):
        assess(Proportion("bad"), columns, clusters, looks=-1)


@pytest.mark.parametrize("name", KINDS)
def test_without_rows_there_is_no_number_at_any_look(name: str) -> None:
    columns, clusters = table([])
    found = assess(KINDS[name], columns, clusters, looks=3)
    assert (found.value, found.low, found.high) == (None, None, None)


def test_every_kind_names_its_interval_at_every_look() -> None:
    assert set(SEQUENTIAL_METHODS) == set(METHODS)
    assert SEQUENTIAL_METHODS[Count] == METHODS[Count]
    assert METHODS[Mean] == "betting/cr2-t"
    assert SEQUENTIAL_METHODS[Mean] == "betting/cr2-t/union"
    assert len({*SEQUENTIAL_METHODS.values()} & {*METHODS.values()}) == 1


@settings(max_examples=200, deadline=None)
@given(EVEN, st.sampled_from(sorted(KINDS)), st.data())
def test_missing_only_widens(
    rows: list[tuple[int, int]], name: str, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(rows)))
    second = data.draw(st.integers(first, len(rows)))
    before, after = (
        assess(KINDS[name], *table(rows[lost:]), [row[0] for row in rows[:lost]], looks=3)
        for lost in (first, second)
    )
    if after.low is not None:
        assert before.low is not None
        assert after.low <= before.low + 1e-9
    if after.high is not None:
        assert before.high is not None
        assert after.high >= before.high - 1e-9


@settings(max_examples=100, deadline=None)
@given(EVEN, st.sampled_from(sorted(KINDS)), st.randoms(use_true_random=False))
def test_order_never_matters_and_the_value_lies_between_its_bounds(
    rows: list[tuple[int, int]], name: str, chance: Any
) -> None:
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    found = assess(KINDS[name], *table(rows), looks=2)
    assert found == assess(KINDS[name], *table(shuffled), looks=2)
    assert found.value is not None
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.high >= found.value


def test_looking_at_every_round_seldom_finds_a_false_bound() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    runs, false, fixed = 300, 0, 0
    for _ in range(runs):
        own = rng.beta(1.0, 19.0, size=240)
        bad = rng.binomial(1, np.repeat(own, 2))
        clusters = np.repeat(np.arange(240), 2)
        highs = []
        for looks in (8, 0):
            found = [
                assess(Proportion("bad"), {"bad": bad[:n]}, clusters[:n], looks=looks).high
                for n in range(60, 481, 60)
            ]
            highs.append(min(high for high in found if high is not None))
        false += highs[0] < 0.05
        fixed += highs[1] < 0.05
    assert false / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
    assert fixed > false
