"""How many prompts would decide a rule that the sample could not."""

from __future__ import annotations

from math import ceil
from typing import Literal

from harness.metrics.stats.betting_size import prompts_needed_in_rounds
from harness.metrics.stats.sample_size import prompts_by_scaling, prompts_needed
from harness.records import Metric
from harness.spec.requirement import Requirement


def needed_prompts(
    metric: Metric,
    require: Requirement,
    *,
    n_min: int = 1,
    decide: Literal["bound", "point"] = "bound",
) -> int | None:
    """Count the prompts that would pass a rule if the value seen is the true one.

    Args:
        metric: What the sample came to, in rounds or at once: rounds take more.
        require: What the rule asks.
        n_min: The fewest scored outputs the rule is decided on.
        decide: On the interval's bound, or on the estimate.

    Returns:
        None where no number would do: the value is on the wrong side of the
        limit, scores are missing, or the rule asks for an exact count.
    """
    if require.op == "==" or metric.value is None or metric.missing or metric.clusters == 0:
        return None
    per_prompt = metric.n / metric.clusters
    enough = 1 if decide == "point" else _for_bound(metric, metric.value, require, per_prompt)
    if enough is None or not _kept(metric.value, require):
        return None
    return max(enough, ceil(n_min / per_prompt - 1e-9))


def in_rounds(metric: Metric) -> bool:
    """Whether its bounds hold at every look of a sequential gate, and so are wider."""
    return "|looks:" in metric.signature


def _kept(value: float, require: Requirement) -> bool:
    return value <= require.value if require.op == "<=" else value >= require.value


def _for_bound(
    metric: Metric, value: float, require: Requirement, per_prompt: float
) -> int | None:
    bound = metric.high if require.op == "<=" else metric.low
    if bound is not None and _kept(bound, require):
        return metric.clusters
    if metric.kind == "Proportion" and require.op != "==":
        if in_rounds(metric):
            return prompts_needed_in_rounds(value, require.value, require.op, metric.confidence)
        return prompts_needed(
            value,
            require.value,
            require.op,
            metric.confidence,
            design_effect=metric.design_effect or 1.0,
            per_prompt=per_prompt,
        )
    if bound is None:
        return None
    return prompts_by_scaling(metric.clusters, value, bound, require.value)
