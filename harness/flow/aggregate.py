"""Scores to metrics: one number, its bounds and one denominator per arm and slice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from harness.engine.store import Store
from harness.flow.rows import BY_PROMPT, ArmKey, ArmRows, arm_rows
from harness.flow.scored import Part, Scores
from harness.metrics.estimate import METHODS, SEQUENTIAL_METHODS, Estimate, estimate
from harness.protocols import Bound, MetricDef, Proportion
from harness.records import Metric

COVERAGE = MetricDef(kind=Proportion("scored"), unit="share", better="higher")
"""How many planned outputs a scorer could read: every scorer has this metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a run's numbers are bounded: what is independent, and how often it is looked at.

    `looks` is 0 for a plan of fixed size, or how often a sequential gate may
    look while the sample grows.
    """

    cluster_by: str = BY_PROMPT
    looks: int = 0


FIXED = Setting()


def aggregate(
    store: Store,
    arms: Sequence[ArmKey],
    scorers: Sequence[Bound],
    confidences: Sequence[float],
    *,
    setting: Setting = FIXED,
    names: Collection[str] | None = None,
) -> tuple[Metric, ...]:
    """Sum every scorer's readings up, for each arm, slice and confidence asked for.

    The denominator is the plan, not the rows that happen to exist: a planned
    case without a score is missing in every slice it belongs to.

    Args:
        store: A run whose scores are stored.
        arms: The arms to sum up.
        scorers: The scorers, not entered: only their metrics are asked.
        confidences: Confidence of each one-sided bound.
        setting: What is independent, and how often it is looked at.
        names: Metrics to work out, as `scorer.metric`; all when left out.
    """
    planned = [arm_rows(store, key, cluster_by=setting.cluster_by) for key in arms]
    found: list[Metric] = []
    for scorer in scorers:
        wanted = definitions(scorer, names)
        if wanted:
            scores = Scores(store, scorer)
            for arm in planned:
                found += _of_arm(arm, scores, scorer, wanted, (confidences, setting))
    return tuple(found)


def definitions(scorer: Bound, names: Collection[str] | None = None) -> dict[str, MetricDef]:
    """A scorer's metrics by their own name, its coverage last; only those asked for."""
    every = {**scorer.plugin.metrics, "coverage": COVERAGE}
    return {k: v for k, v in every.items() if names is None or f"{scorer.name}.{k}" in names}


def measured(
    part: Part, definition: MetricDef, confidence: float, setting: Setting = FIXED
) -> Estimate:
    """Work out one metric of one slice."""
    import numpy as np

    if definition is COVERAGE:
        return estimate(
            definition, {"scored": part.scored}, part.planned,
            missing=np.empty(0, dtype=np.int64), confidence=confidence, looks=setting.looks,
        )  # fmt: skip
    return estimate(
        definition, part.columns, part.clusters,
        missing=part.missing, confidence=confidence, looks=setting.looks,
    )  # fmt: skip


def _of_arm(
    arm: ArmRows,
    scores: Scores,
    scorer: Bound,
    wanted: dict[str, MetricDef],
    how: tuple[Sequence[float], Setting],
) -> Iterator[Metric]:
    confidences, setting = how
    for label, part in scores.parts(arm):
        for confidence in confidences:
            for name, definition in wanted.items():
                found = measured(part, definition, confidence, setting)
                about = (arm.key, label, scorer, name)
                yield metric_of(about, definition, found, confidence, setting)


def metric_of(
    about: tuple[ArmKey, str, Bound, str],
    definition: MetricDef,
    found: Estimate,
    confidence: float,
    setting: Setting = FIXED,
) -> Metric:
    """Write an estimate down with everything that tells it from another number."""
    key, label, scorer, name = about
    kind = type(definition.kind)
    methods = SEQUENTIAL_METHODS if setting.looks else METHODS
    by = "" if setting.cluster_by == BY_PROMPT else f"|clusters:{setting.cluster_by}"
    looks = f"|looks:{setting.looks}" if setting.looks else ""
    return Metric(
        generator=key.generator,
        strategy=key.strategy,
        slice=label,
        name=f"{scorer.name}.{name}",
        value=found.value,
        low=found.low,
        high=found.high,
        confidence=confidence,
        n=found.n,
        missing=found.missing,
        clusters=found.clusters,
        kind=kind.__name__,
        unit=definition.unit,
        better=definition.better,
        signature=f"{scorer.use}.{name}|v:{definition.version}|by:{kind.__name__}"
        f"|interval:{methods[kind]}|scorer:{scorer.fingerprint[:12]}"
        f"|n:{found.n}|c:{confidence}{by}{looks}",
        design_effect=found.design_effect,
        cause=found.cause,
    )


__all__ = ["FIXED", "ArmKey", "Setting", "aggregate", "definitions", "measured", "metric_of"]
