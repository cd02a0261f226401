from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.metrics.stats.quantile import quantile_bounds


def test_the_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    found = quantile_bounds(np.arange(10.0, 0.0, -1.0), 0.5, 10, 0, 0.95)
    assert (found.low, found.high) == (2.0, 9.0)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("n", [60, 999])
def test_ranks_equal_scipys_binomial_quantiles(q: float, n: int) -> None:
    found = quantile_bounds(np.arange(float(n)), q, n, 0, 0.95)
    assert found.high == stats.binom.ppf(0.95, n, q)
    assert found.low == n - 1 - stats.binom.ppf(0.95, n, 1 - q)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_bounds_equal_scipys_quantile_test(q: float) -> None:
    values = np.random.default_rng(0).normal(size=80)
    found = quantile_bounds(values, q, 80, 0, 0.95)
    sides: tuple[Literal["greater"], Literal["less"]] = ("greater", "less")
    ends: list[Any] = [
        stats.quantile_test(values, p=q, alternative=side).confidence_interval(0.95)
        for side in sides
    ]
    assert (found.low, found.high) == (ends[0].low, ends[1].high)


def test_too_few_values_give_no_bound_in_the_tail() -> None:
    found = quantile_bounds(np.arange(58.0), 0.95, 58, 0, 0.95)
    assert found.high is None
    assert quantile_bounds(np.arange(59.0), 0.95, 59, 0, 0.95).high == 58.0


def test_repeats_carry_no_evidence_of_their_own() -> None:
    values = np.repeat(np.arange(40.0), 5)
    once = quantile_bounds(np.arange(40.0), 0.5, 40, 0, 0.95)
    repeated = quantile_bounds(values, 0.5, 40, 0, 0.95)
    assert repeated.high is not None
    assert once.high is not None
    assert abs(repeated.high - once.high) <= 1.0


@settings(deadline=None)
@given(st.lists(st.floats(-9, 9), min_size=1, max_size=80), st.floats(0.05, 0.95), st.data())
def test_missing_values_only_widen(values: list[float], q: float, data: st.DataObject) -> None:
    n, lost = len(values), data.draw(st.integers(0, len(values) - 1))
    all_seen = quantile_bounds(np.array(values), q, n, 0, 0.9)
    fewer = quantile_bounds(np.array(values[lost:]), q, n, lost, 0.9)
    if fewer.high is not None:
        assert all_seen.high is not None
        assert fewer.high >= all_seen.high
    if fewer.low is not None:
        assert all_seen.low is not None
        assert fewer.low <= all_seen.low
