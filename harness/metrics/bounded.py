"""The bounds of a mean over prompts as an estimate, with the reason where there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.metrics.stats.bounded_mean import bounded_upper
from harness.metrics.stats.mean import ClusterSums, mean_bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.metrics.result import Estimate


def bounded(
    sums: ClusterSums,
    bounds: tuple[float | None, float | None],
    confidence: float,
    start: Estimate,
    *,
    flat_upper: Callable[[float, float, float], float] = bounded_upper,
) -> Estimate:
    """Bound a mean of clusters, and say why a side has no bound.

    Args:
        sums: The rows by cluster, at the least and the greatest that lost ones allow.
        bounds: What a value can never leave.
        confidence: Of each bound on its own, in (0.5, 1).
        start: The estimate without bounds.
        flat_upper: As for `mean_bounds`.
    """
    found = mean_bounds(sums, bounds, confidence, flat_upper=flat_upper)
    cause = ""
    if found.low is None or found.high is None:
        cause = "no_spread" if found.flat else ""
        cause = "insufficient_n" if sums.sizes.size < 2 else cause
        cause = "unscored" if (sums.lowest != sums.highest).any() else cause
    return replace(start, low=found.low, high=found.high, cause=cause)
