"""One-sided bounds of a ratio of sums, or another smooth number of them, by resampling."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

DRAWS = 10_000
UNITS = 5_000
"""Above this many clusters, clusters are first added up into this many at random."""
CELLS = 1 << 17
"""Draws held at once: few enough for a processor's cache."""


@dataclass(frozen=True, slots=True)
class BootstrapBounds:
    """One-sided bounds of a number made from totals."""

    low: float
    high: float


def ratio_bounds(
    sums: NDArray[np.float64], confidence: float, *, seed: int, draws: int = DRAWS
) -> BootstrapBounds | None:
    """Bound sum(numerator) / sum(denominator) from each side: BCa over clusters.

    Args:
        sums: float64 [C, 2], numerator and denominator added up by cluster;
            denominators are at least 0. The order of clusters does not matter.
        confidence: One-sided confidence in (0.5, 1).
        seed: Names the draws.
        draws: How many.

    Returns:
        None where `smooth_bounds` has none: too few clusters, a draw without
        denominator, or one ratio in all clusters.
    """
    return smooth_bounds(sums, ratios, confidence, has_spread=_ratio_spreads, seed=seed,
                         draws=draws)  # fmt: skip


def ratios(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide: float64 [D, 2] to float64 [D], NaN where the denominator is not above 0.

    >>> import numpy as np
    >>> ratios(np.array([[1.0, 4.0], [1.0, 0.0]])).tolist()
    [0.25, nan]
    """
    found = np.full(totals.shape[0], np.nan)
    np.divide(totals[:, 0], totals[:, 1], out=found, where=totals[:, 1] > 0.0)
    return found


def smooth_bounds(
    sums: NDArray[np.float64],
    of_totals: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    confidence: float,
    *,
    has_spread: Callable[[NDArray[np.float64]], bool],
    seed: int,
    draws: int = DRAWS,
) -> BootstrapBounds | None:
    """Bound a smooth number of totals from each side: BCa over clusters.

    Bias correction comes from the draws, acceleration from the delete-one
    jackknife. The normal quantile is replaced by sqrt(C / (C - 1)) t(C - 1),
    because a bootstrap is too narrow for few clusters.

    Args:
        sums: float64 [C, K], what is totalled, added up by cluster. The order of
            clusters does not matter.
        of_totals: Gives the number, float64 [D], of totals float64 [D, K]; not
            finite where it does not exist.
        confidence: One-sided confidence in (0.5, 1).
        has_spread: Says of float64 [U, K], U >= 2, whether the number moves with
            the units drawn, beyond rounding.
        seed: Names the draws.
        draws: How many.

    Returns:
        None where fewer than two clusters count, where in a draw the number may
        not exist, or where it never moves: then resampling says nothing, and
        certainly not that the interval is a point.

    Source:
        Efron (1987), BCa; Hesterberg (2015), expanded percentiles.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    ordered = sums[np.lexsort(sums.T[::-1])]
    units = _rounded_to_add_exactly(_bagged(ordered, rng))
    if units.shape[0] < 2 or not has_spread(units):
        return None
    whole = units.sum(axis=0)
    left = of_totals(whole - units)
    if not np.isfinite(left).all():
        return None
    drawn = np.sort(of_totals(resample(units, draws, rng)))
    if not np.isfinite(drawn).all():
        return None
    point = float(of_totals(whole[None, :])[0])
    low, high = np.quantile(drawn, _bca_shares(drawn, point, left, confidence))
    return BootstrapBounds(min(float(low), point), max(float(high), point))


def resample(
    units: NDArray[np.float64], draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw as many units as there are, with replacement, and add them up, many times.

    Args:
        units: float64 [C, K].
        draws: How many samples.
        rng: Where chance comes from.

    Returns:
        float64 [draws, K]: what multinomial weights times `units` would be. Adding
        the drawn units up is twice as fast as counting them and multiplying, and
        no threaded matrix product waits for a busy core.
    """
    count = units.shape[0]
    rows = max(1, CELLS // count)
    columns = [np.ascontiguousarray(column) for column in units.T]
    drawn = np.empty((draws, len(columns)))
    for start in range(0, draws, rows):
        size = min(rows, draws - start)
        cells = _below(count, size * count, rng).reshape(size, count)
        for k, column in enumerate(columns):
            drawn[start : start + size, k] = column.take(cells, mode="clip").sum(axis=1)
    return drawn


def _below(count: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw integers in [0, count) from 32 random bits each, by multiplying and shifting.

    No integer is likelier than another by more than count / 2^32, and it takes
    half the time of `rng.integers`.
    """
    words = np.asarray(rng.bit_generator.random_raw((size + 1) // 2), dtype="<u8")
    cells = words.view("<u4")[:size].astype(np.uint64)
    cells *= np.uint64(count)
    cells >>= np.uint64(32)
    return cells.view(np.int64)


def _bagged(sums: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Add clusters up into at most UNITS random groups of (nearly) one size."""
    count = sums.shape[0]
    if count <= UNITS:
        return sums
    group = rng.permutation(count) % UNITS
    columns = [np.bincount(group, weights=column, minlength=UNITS) for column in sums.T]
    return np.stack(columns, axis=1)


def _rounded_to_add_exactly(units: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to a grid on which sums of a draw are exact in float64.

    NumPy may add in another order on another machine; on this grid (relative
    step under 1e-12 for 5,000 units) no order matters.
    """
    largest = np.abs(units).max(axis=0, initial=0.0)
    bits = [52 - frexp(units.shape[0] * float(top))[1] for top in largest]
    columns = [_on_grid(column, bit) for column, bit in zip(units.T, bits, strict=True)]
    return np.stack(columns, axis=1)


def _on_grid(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    return np.asarray(np.ldexp(np.rint(np.ldexp(values, bits)), -bits))


def _ratio_spreads(units: NDArray[np.float64]) -> bool:
    """Say whether not all units have one ratio, to rounding."""
    top, bottom = units.sum(axis=0)
    if bottom <= 0:
        return False
    residuals = np.abs(units[:, 0] - top / bottom * units[:, 1])
    return bool(residuals.max() > 1e-9 * np.abs(units[:, 0]).max())


def _bca_shares(
    drawn: NDArray[np.float64], point: float, left: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    """Say which quantiles of the sorted draws are the lower and the upper bound."""
    from scipy.special import ndtr, ndtri, stdtrit

    draws, clusters = drawn.size, left.size
    below = np.searchsorted(drawn, point, "left") + np.searchsorted(drawn, point, "right")
    bias = float(ndtri(np.clip(0.5 * below / draws, 0.5 / draws, 1.0 - 0.5 / draws)))
    pull = left.mean() - left
    acceleration = float((pull**3).sum() / (6.0 * (pull * pull).sum() ** 1.5))
    reach = sqrt(clusters / (clusters - 1.0)) * float(stdtrit(clusters - 1.0, confidence))
    return (
        float(ndtr(_shifted(bias, -reach, acceleration))),
        float(ndtr(_shifted(bias, reach, acceleration))),
    )


def _shifted(bias: float, reach: float, acceleration: float) -> float:
    stretch = 1.0 - acceleration * (bias + reach)
    if stretch <= 0.0:
        return float(np.copysign(np.inf, bias + reach))
    return bias + (bias + reach) / stretch
