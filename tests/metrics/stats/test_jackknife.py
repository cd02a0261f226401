import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from harness.errors import NonFiniteError
from harness.metrics.stats.jackknife import jackknife_bounds

VALUES = np.random.default_rng(4).gamma(2.0, size=46)


def spread(rows: NDArray[np.int64]) -> float:
    return float(VALUES[rows].std())


def test_bounds_are_those_of_a_cluster_jackknife_by_hand() -> None:
    ranks = np.repeat(np.arange(23), 2)
    found = jackknife_bounds(spread(np.arange(46)), spread, ranks, 0.95)
    without = [
        VALUES[[i for i in range(46) if (i // 2) % 20 != group]].std() for group in range(20)
    ]
    error = np.sqrt(19 / 20 * ((np.array(without) - np.mean(without)) ** 2).sum())
    assert found.low == pytest.approx(VALUES.std() - stats.t.ppf(0.95, 19) * error)
    assert found.high == pytest.approx(VALUES.std() + stats.t.ppf(0.95, 19) * error)


def test_of_a_mean_it_is_the_t_interval() -> None:
    few = VALUES[:15]
    found = jackknife_bounds(
        float(few.mean()), lambda rows: float(few[rows].mean()), np.arange(15), 0.95
    )
    assert found.low == pytest.approx(stats.ttest_1samp(few, 0).confidence_interval(0.9).low)


def test_one_prompt_gives_no_bounds() -> None:
    found = jackknife_bounds(1.0, spread, np.zeros(46, dtype=np.int64), 0.95)
    assert (found.low, found.high, found.cause) == (None, None, "insufficient_n")


def test_a_number_undefined_without_a_group_gives_no_bounds() -> None:
    found = jackknife_bounds(1.0, lambda rows: 1.0 if 0 in rows else None, np.arange(46), 0.95)
    assert (found.low, found.cause) == (None, "insufficient_n")


def test_a_number_that_never_moves_is_not_certain() -> None:
    found = jackknife_bounds(0.0, lambda rows: 0.0, np.arange(46), 0.95)
    assert (found.high, found.cause) == (None, "no_spread")


def test_an_infinite_number_is_an_error() -> None:
    with pytest.raises(NonFiniteError):
        jackknife_bounds(1.0, lambda rows: float("inf"), np.arange(46), 0.95)
