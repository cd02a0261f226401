import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta as beta_distribution
from scipy.stats import t as t_distribution

from harness.metrics.stats.clustered_proportion import clustered_upper, effective_sizes
from harness.metrics.stats.proportion import exact_upper

TABLES = st.lists(
    st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    min_size=1,
    max_size=12,
)


def test_independent_outputs_get_the_exact_bound() -> None:
    bound = clustered_upper(np.ones(100), np.repeat([1.0, 0.0], [30, 70]), 0.975)
    assert bound.upper == pytest.approx(0.3998, abs=5e-5)
    assert bound.effective == 100.0


def test_no_event_counts_prompts_not_repeats() -> None:
    bound = clustered_upper(np.full(25, 40.0), np.zeros(25), 0.95)
    assert bound.effective == 25.0
    assert bound.upper == pytest.approx(float(exact_upper(0, 25, 0.95)))


def test_only_events_leave_no_upper_bound() -> None:
    bound = clustered_upper(np.full(5, 4.0), np.full(5, 4.0), 0.95)
    assert (bound.upper, bound.effective) == (1.0, 5.0)


def test_one_event_never_bounds_tighter_than_none() -> None:
    sizes, events = np.full(250, 4.0), np.zeros(250)
    none = clustered_upper(sizes, events, 0.95).upper
    events[0] = 1.0
    assert clustered_upper(sizes, events, 0.95).upper >= none


def test_complete_agreement_counts_prompts() -> None:
    events = np.repeat([4.0, 0.0], [9, 21])
    bound = clustered_upper(np.full(30, 4.0), events, 0.95)
    assert bound.effective == pytest.approx(30.0)
    assert bound.upper == pytest.approx(float(exact_upper(9, 30, 0.95)))


def test_the_effective_size_is_that_of_korn_and_graubard() -> None:
    rng = np.random.default_rng(3)
    sizes = np.full(60, 5.0)
    events = rng.binomial(5, rng.beta(0.6, 1.4, 60)).astype(float)
    n, p = 300.0, events.sum() / 300.0
    variance = 60 / 59 * ((events - p * sizes) ** 2).sum() / n**2
    ratio = (t_distribution.ppf(0.95, 299) / t_distribution.ppf(0.95, 59)) ** 2
    expected = ratio * n / (variance / (p * (1 - p) / (n - 1)))
    bound = clustered_upper(sizes, events, 0.95)
    assert bound.effective == pytest.approx(expected)
    plain = beta_distribution.ppf(0.95, p * expected + 1, (1 - p) * expected)
    assert bound.upper == pytest.approx(plain)


@settings(deadline=None)
@given(TABLES)
def test_the_effective_size_stays_between_one_and_n(table: list[tuple[int, int]]) -> None:
    sizes, events = np.array(table, dtype=float).T
    effective = effective_sizes(sizes, events, 0.95)
    assert (effective >= 1.0 - 1e-9).all()
    assert (effective <= sizes.sum()).all()


@settings(max_examples=300, deadline=None)
@given(TABLES, st.data())
def test_turning_an_output_bad_never_lowers_the_upper_bound(
    table: list[tuple[int, int]], data: st.DataObject
) -> None:
    sizes, events = np.array(table, dtype=float).T
    worse = events + np.array([data.draw(st.integers(0, n - k)) for n, k in table])
    before = clustered_upper(sizes, events, 0.95).upper
    assert clustered_upper(sizes, worse, 0.95).upper >= before - 1e-12


@settings(deadline=None)
@given(st.integers(1, 300), st.data())
def test_one_more_bad_prompt_never_lowers_the_upper_bound(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    events = np.repeat([1.0, 0.0], [k, n - k])
    before = clustered_upper(np.ones(n), events, 0.95).upper
    assert clustered_upper(np.ones(n + 1), np.append(events, 1.0), 0.95).upper >= before


def test_the_search_finds_the_largest_of_all_bounds() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        sizes = rng.integers(1, 8, size=9).astype(float)
        events = rng.binomial(sizes.astype(int), 0.4).astype(float)
        effective = effective_sizes(sizes, events, 0.9)
        shares = np.arange(effective.size) / sizes.sum()
        every = exact_upper(shares * effective, effective, 0.9)
        found = clustered_upper(sizes, events, 0.9).upper
        assert found == pytest.approx(float(every.max()), abs=1e-12)


@pytest.mark.parametrize(("rate", "agreement"), [(0.05, 0.3), (0.3, 0.5), (0.5, 0.1)])
def test_both_bounds_hold_as_often_as_promised(rate: float, agreement: float) -> None:
    rng = np.random.Generator(np.random.PCG64(11))
    sizes, runs, spread = np.full(40, 4.0), 800, 1.0 / agreement - 1.0
    held = np.zeros(2)
    for _ in range(runs):
        events = rng.binomial(4, rng.beta(rate * spread, (1 - rate) * spread, 40)).astype(float)
        high = clustered_upper(sizes, events, 0.95).upper
        low = 1.0 - clustered_upper(sizes, sizes - events, 0.95).upper
        held += [low <= rate, rate <= high]
    assert (held / runs >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)).all()
