"""One-sided bounds of a mean of clustered values, declared bounds and missing included."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.stats.bounded_mean import bounded_upper, planned_upper
from harness.metrics.stats.clusters import total
from harness.metrics.stats.proportion import exact_upper

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FLAT = 1e-9
"""Cluster means closer than this share of the range (or of their size) have no spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSums:
    """What the mean rests on: float64 [C] each.

    `sizes` are planned rows, `lowest` and `highest` the sums of a cluster's
    values with every missing one at the declared lower or upper bound. They
    are equal where nothing is missing, and infinite where there is no bound.
    """

    sizes: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MeanBounds:
    """One-sided bounds; None means unbounded. `flat`: no spread was seen."""

    low: float | None
    high: float | None
    flat: bool = False


def mean_bounds(
    sums: ClusterSums, bounds: tuple[float | None, float | None], confidence: float
) -> MeanBounds:
    """Bound the mean over rows from each side, as well as can be vouched for.

    Where both bounds are declared and clusters are of one size, `planned_upper`
    of the cluster means, which holds for any values: with something missing, for
    the greatest and the least they could be. Else `t_bounds`, which holds the
    better the more clusters there are and the less one of them matters.

    Args:
        sums: The rows, by cluster.
        bounds: What a value can never leave.
        confidence: One-sided confidence in (0.5, 1).

    >>> import numpy as np
    >>> zero = np.zeros(5)
    >>> nothing = ClusterSums(sizes=np.ones(5), lowest=zero, highest=zero)
    >>> round(mean_bounds(nothing, (0, 1), 0.95).high, 4)
    0.4507
    """
    floor, ceiling = bounds
    is_even = bool((sums.sizes == sums.sizes[0]).all())
    if floor is None or ceiling is None or ceiling <= floor or not is_even:
        return t_bounds(sums, bounds, confidence)
    span = ceiling - floor
    rise = planned_upper((sums.highest / sums.sizes - floor) / span, confidence)
    fall = planned_upper((ceiling - sums.lowest / sums.sizes) / span, confidence)
    return MeanBounds(max(floor, ceiling - span * fall), min(ceiling, floor + span * rise))


def t_bounds(
    sums: ClusterSums,
    bounds: tuple[float | None, float | None],
    confidence: float,
    *,
    flat_upper: Callable[[float, float, float], float] = bounded_upper,
) -> MeanBounds:
    """Bound the mean over rows from each side by a clustered t interval.

    The standard error is CR2, which for a mean has a closed form: with cluster
    residuals e_c = sum of (value - mean), n_c rows of n,
    V = sum(e_c^2 / (1 - n_c / n)) / n^2, and its t quantile has
    n^2 / (sum(n_c^2) + ((sum w_c n_c^2)^2 - sum w_c^2 n_c^4) / n^2) degrees of
    freedom, w_c = 1 / (1 - n_c / n). For C equal clusters both are the textbook
    ones: C / (C - 1) and C - 1.

    With something missing, each |e_c| is the largest that any values within the
    declared bounds could give, so a lost score can only widen.

    Two things hold a bounded mean up where a t interval would collapse. No
    bound is narrower than the exact binomial one for C prompts all at the
    bound: 300 prompts cannot exclude that 1 % of prompts are at the far end.
    And where all clusters agree, the Chernoff bound of `bounded_mean` takes
    over; without declared bounds there is then no bound at all.

    Args:
        sums: The rows, by cluster.
        bounds: What a value can never leave.
        confidence: One-sided confidence in (0.5, 1).
        flat_upper: What bounds a mean in [0, 1] where all clusters agree, of the
            mean, how many clusters, and the confidence; also used upside down.

    Source:
        Bell and McCaffrey (2002); Pustejovsky and Tipton (2018), CR2.

    >>> import numpy as np
    >>> zero = np.zeros(5)
    >>> nothing = ClusterSums(sizes=np.ones(5), lowest=zero, highest=zero)
    >>> round(t_bounds(nothing, (0, 1), 0.95).high, 4)
    0.4507
    """
    floor, ceiling = bounds
    if not np.isfinite(sums.highest - sums.lowest).all():
        return MeanBounds(floor, ceiling)
    n, clusters = float(sums.sizes.sum()), sums.sizes.size
    least, most = total(sums.lowest) / n, total(sums.highest) / n
    flat = clusters < 2 or _agrees(sums, bounds)
    reach = 0.0
    if clusters > 1:
        reach = _t_quantile(sums.sizes, confidence) * sqrt(_variance(sums, least, most))
    if floor is not None and ceiling is not None:
        span = ceiling - floor
        apart = span * float(exact_upper(0, clusters, confidence))
        low, high = min(least - reach, ceiling - apart), max(most + reach, floor + apart)
        if flat and span > 0:
            rise = flat_upper((most - floor) / span, clusters, confidence)
            fall = flat_upper((ceiling - least) / span, clusters, confidence)
            low, high = min(low, ceiling - span * fall), max(high, floor + span * rise)
        return MeanBounds(max(low, floor), min(high, ceiling), flat)
    if flat:
        return MeanBounds(floor, ceiling, flat=True)
    low = least - reach if floor is None else max(least - reach, floor)
    high = most + reach if ceiling is None else min(most + reach, ceiling)
    return MeanBounds(low, high)


def worst_sums(
    sums: NDArray[np.float64],
    lost: NDArray[np.float64],
    bounds: tuple[float | None, float | None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the least and the greatest sum of each cluster that its lost rows allow.

    Args:
        sums: float64 [C], sums of the known values.
        lost: float64 [C], rows without a value.
        bounds: What a value can never leave.

    Returns:
        Two float64 [C], infinite where a lost row has no bound on that side.

    >>> import numpy as np
    >>> low, high = worst_sums(np.array([1.0, 2.0]), np.array([0.0, 3.0]), (0.0, None))
    >>> low.tolist(), high.tolist()
    ([1.0, 2.0], [1.0, inf])
    """
    if not lost.any():
        return sums, sums
    floor, ceiling = bounds
    lowest, highest = sums.copy(), sums.copy()
    lowest[lost > 0] += -np.inf if floor is None else floor * lost[lost > 0]
    highest[lost > 0] += np.inf if ceiling is None else ceiling * lost[lost > 0]
    return lowest, highest


def design_effect(
    sizes: NDArray[np.float64], sums: NDArray[np.float64], squares: float
) -> float | None:
    """Say how many times the variance of the mean exceeds that of independent rows.

    Args:
        sizes: float64 [C], scored rows of each cluster.
        sums: float64 [C], their sums.
        squares: Sum over rows of (value - mean)^2.

    Returns:
        At least 1 / n; None for fewer than two clusters or values without spread.
    """
    n = float(sizes.sum())
    if sizes.size < 2 or squares <= 0.0:
        return None
    seen = ClusterSums(sizes=sizes, lowest=sums, highest=sums)
    mean = total(sums) / n
    return _variance(seen, mean, mean) * n * (n - 1.0) / squares


def _variance(sums: ClusterSums, least: float, most: float) -> float:
    """CR2 variance at the largest residuals that a mean in [least, most] allows."""
    n = float(sums.sizes.sum())
    above, below = sums.highest - least * sums.sizes, most * sums.sizes - sums.lowest
    squares = np.square(np.maximum(above, below, out=above), out=above)
    return total(squares / (1.0 - sums.sizes / n)) / (n * n)


def _t_quantile(sizes: NDArray[np.float64], confidence: float) -> float:
    from scipy.special import stdtrit

    n = total(sizes)
    weighted = sizes * sizes / (1.0 - sizes / n)
    crossed = total(weighted) ** 2 - total(weighted * weighted)
    freedom = n * n / (total(sizes * sizes) + crossed / (n * n))
    return float(stdtrit(freedom, confidence))


def _agrees(sums: ClusterSums, bounds: tuple[float | None, float | None]) -> bool:
    """Say whether some values for the missing rows would leave no spread at all."""
    means_low, means_high = sums.lowest / sums.sizes, sums.highest / sums.sizes
    floor, ceiling = bounds
    if floor is not None and ceiling is not None:
        scale = ceiling - floor
    else:
        scale = float(np.abs(means_high).max())
    return float(means_low.max() - means_high.min()) <= FLAT * scale
