"""One-sided bounds of a quantile from order statistics, missing values included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class QuantileBounds:
    """One-sided bounds; None where no order statistic is far enough out."""

    low: float | None
    high: float | None


def quantile_bounds(
    values: NDArray[np.float64], q: float, effective: float, missing: int, confidence: float
) -> QuantileBounds:
    """Bound the `q` quantile from each side without assuming a distribution.

    The upper bound is the least order statistic that at most a binomial share
    of the sample lies below; a missing value counts as +inf there and as -inf
    for the lower bound. With repeats of prompts the binomial has the effective
    size, and shares of the sample stand for shares of it. Hand in
    n^2 / sum(n_c^2), the size left by complete agreement within prompts: it does
    not depend on the values, so a worse value can never tighten a bound.

    Args:
        values: float64 [n], scored values in any order.
        q: Which quantile, in (0, 1).
        effective: Effective number of the n + missing planned outputs.
        missing: Planned outputs without a value.
        confidence: One-sided confidence in [0.5, 1).

    Source:
        Thompson (1936); David and Nagaraja (2003), section 7.1.

    >>> import numpy as np
    >>> quantile_bounds(np.arange(1.0, 11.0), 0.5, 10, 0, 0.95)
    QuantileBounds(low=2.0, high=9.0)
    """
    ordered = np.sort(values)
    planned = ordered.size + missing
    above = _rank(planned, q, effective, confidence)
    below = _rank(planned, 1.0 - q, effective, confidence)
    high = float(ordered[above]) if above < ordered.size else None
    low = float(ordered[-1 - below]) if below < ordered.size else None
    return QuantileBounds(low, high)


def _rank(planned: int, q: float, effective: float, confidence: float) -> int:
    """Find the least k with P(share of the sample below the quantile <= k / n) >= c.

    Then the value with k others below it bounds the quantile; k = n when none does.
    """
    from scipy.special import betainc

    lowest, highest = 0, planned
    while lowest < highest:
        k = (lowest + highest) // 2
        share = effective * k / planned
        if float(betainc(effective - share, share + 1.0, 1.0 - q)) >= confidence:
            highest = k
        else:
            lowest = k + 1
    return lowest
