"""How many prompts would decide a rule that the sample could not."""

from __future__ import annotations

from harness.metrics.stats.sample_size import prompts_by_scaling, prompts_needed
from harness.records import Metric
from harness.spec.policy import Requirement


def needed_prompts(metric: Metric, require: Requirement) -> int | None:
    """Count the prompts that would pass a rule if the value seen is the true one.

    Returns:
        None where no number would do: the value is on the wrong side of the
        limit, scores are missing, or the rule asks for an exact count.
    """
    bound = metric.high if require.op == "<=" else metric.low
    if require.op == "==" or metric.value is None or metric.missing or metric.clusters == 0:
        return None
    if metric.kind == "Proportion":
        return prompts_needed(
            metric.value,
            require.value,
            require.op,
            metric.confidence,
            design_effect=metric.design_effect or 1.0,
            per_prompt=metric.n / metric.clusters,
        )
    if bound is None:
        return None
    return prompts_by_scaling(metric.clusters, metric.value, bound, require.value)
