"""One-sided bounds of a number of a whole set, by leaving out groups of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, isfinite, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import NonFiniteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

GROUPS = 20


@dataclass(frozen=True, slots=True)
class JackknifeBounds:
    """One-sided bounds, or why there are none.

    `error` is the standard error, with `freedom` degrees of freedom.
    `cause` is `insufficient_n` where there are fewer than two clusters or the
    number is undefined without some group, `no_spread` where leaving out any
    group changes nothing.
    """

    low: float | None = None
    high: float | None = None
    cause: Literal["", "insufficient_n", "no_spread"] = ""
    error: float | None = None
    freedom: int = 0


def jackknife_bounds(
    value: float,
    of_rows: Callable[[NDArray[np.int64]], float | None],
    ranks: NDArray[np.int64],
    confidence: float,
) -> JackknifeBounds:
    """Bound a number of a set from each side, from the number of any of its rows.

    Args:
        value: The number of the whole set.
        of_rows: Gives the number of the rows it is handed (ascending indices).
        ranks: int64 [n], each row's cluster.
        confidence: One-sided confidence in (0.5, 1).

    Raises:
        NonFiniteError: If `of_rows` returns NaN or an infinity.
    """
    return bounds_without(value, without_each(of_rows, groups_of(ranks)), confidence)


def groups_of(ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put the clusters of rows into groups: int64 [n], from 0 to G - 1 without gaps.

    Cluster r, counting those that have rows, is in group r mod G, G = min(20,
    clusters), so repeats of a prompt leave together.

    Args:
        ranks: int64 [n], each row's cluster.
    """
    clusters, place = np.unique(ranks, return_inverse=True)
    return (place % max(1, min(GROUPS, clusters.size))).astype(np.int64)


def without_each(
    of_rows: Callable[[NDArray[np.int64]], float | None], group: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Compute a number without each group of rows in turn: float64 [G].

    None where there are fewer than two groups, or some rest has no number.
    """
    count = int(group.max(initial=0)) + 1
    if count < 2:
        return None
    found = np.empty(count)
    for left_out in range(count):
        number = of_rows(np.flatnonzero(group != left_out))
        if number is None:
            return None
        found[left_out] = number
    return found


def bounds_without(
    value: float, without: NDArray[np.float64] | None, confidence: float
) -> JackknifeBounds:
    """Bound a number from each side: value -+ t(G - 1) * standard error.

    Nothing is ever repeated, which is what ruins a bootstrap of diversity and of
    Frechet distances. With v_g the number without group g, the variance is
    (G - 1) / G * sum((v_g - mean v)^2).

    Args:
        value: The number of the whole set.
        without: float64 [G], the number without each group in turn.
        confidence: One-sided confidence in (0.5, 1).

    Raises:
        NonFiniteError: If a number is NaN or an infinity.

    Source:
        Quenouille (1956); Tukey (1958); Shao and Tu (1995), section 2.3.
    """
    if without is None or without.size < 2:
        return JackknifeBounds(cause="insufficient_n")
    groups, numbers = without.size, without.tolist()
    if not all(map(isfinite, numbers)):
        raise NonFiniteError("a metric of a set of outputs is not finite on a part of it")
    middle = fsum(numbers) / groups
    squares = fsum((number - middle) ** 2 for number in numbers)
    error = sqrt((groups - 1.0) / groups * squares)
    if error <= 1e-12 * max(abs(value), abs(middle)):
        return JackknifeBounds(cause="no_spread")
    reach = _t_quantile(groups - 1, confidence) * error
    return JackknifeBounds(value - reach, value + reach, error=error, freedom=groups - 1)


def unbiased(value: float, without: NDArray[np.float64]) -> float:
    """Take the bias of order 1/n out of a number: G v - (G - 1) mean of v_g.

    Args:
        value: The number of the whole set.
        without: float64 [G], the number without each group in turn.

    Source:
        Quenouille (1956).

    >>> unbiased(10.0, np.array([12.0, 14.0]))
    7.0
    """
    groups = without.size
    return groups * value - (groups - 1.0) * (fsum(without.tolist()) / groups)


def _t_quantile(freedom: int, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(float(freedom), confidence))
