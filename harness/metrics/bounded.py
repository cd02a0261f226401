"""The bounds of a mean over prompts as an estimate, with the reason where there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.metrics.result import Estimate
    from harness.metrics.stats.mean import ClusterSums, MeanBounds


def bounded(sums: ClusterSums, found: MeanBounds, start: Estimate) -> Estimate:
    """Put the bounds of a mean of clusters into an estimate, and say why a side has none.

    Args:
        sums: The rows by cluster, at the least and the greatest that lost ones allow.
        found: The bounds of their mean.
        start: The estimate without bounds.
    """
    cause = ""
    if found.low is None or found.high is None:
        cause = "no_spread" if found.flat else ""
        cause = "insufficient_n" if sums.sizes.size < 2 else cause
        cause = "unscored" if (sums.lowest != sums.highest).any() else cause
    return replace(start, low=found.low, high=found.high, cause=cause)
