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
    """Bound a number of a set from each side: value -+ t(G - 1) * standard error.

    Cluster r is in group r mod G, G = min(20, clusters), so repeats of a prompt
    leave together and nothing is ever repeated, which is what ruins a bootstrap
    of diversity and of Frechet distances. With v_g the number without group g,
    the variance is (G - 1) / G * sum((v_g - mean v)^2).

    Args:
        value: The number of the whole set.
        of_rows: Gives the number of the rows it is handed (ascending indices).
        ranks: int64 [n], each row's cluster, numbered from 0 without gaps.
        confidence: One-sided confidence in (0.5, 1).

    Raises:
        NonFiniteError: If `of_rows` returns NaN or an infinity.

    Source:
        Quenouille (1956); Tukey (1958); Shao and Tu (1995), section 2.3.
    """
    clusters = int(ranks.max()) + 1 if ranks.size else 0
    groups = min(GROUPS, clusters)
    if groups < 2:
        return JackknifeBounds(cause="insufficient_n")
    group = ranks % groups
    without = [of_rows(np.flatnonzero(group != g)) for g in range(groups)]
    defined = [number for number in without if number is not None]
    if len(defined) < groups:
        return JackknifeBounds(cause="insufficient_n")
    if not all(map(isfinite, defined)):
        raise NonFiniteError("a metric of a set of outputs is not finite on a part of it")
    middle = fsum(defined) / groups
    squares = fsum((number - middle) ** 2 for number in defined)
    error = sqrt((groups - 1.0) / groups * squares)
    if error <= 1e-12 * max(abs(value), abs(middle)):
        return JackknifeBounds(cause="no_spread")
    reach = _t_quantile(groups - 1, confidence) * error
    return JackknifeBounds(value - reach, value + reach, error=error, freedom=groups - 1)


def _t_quantile(freedom: int, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(float(freedom), confidence))
