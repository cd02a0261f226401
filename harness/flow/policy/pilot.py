"""How many prompts a rule would take, if the numbers of a stored run were the true ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from harness.engine.store import Store
from harness.flow.evidence import Evidence
from harness.flow.needed import needed_prompts
from harness.flow.stored import StoredRun
from harness.flow.terms import Bar, Terms
from harness.metrics.stats.sample_size import prompts_by_scaling
from harness.records import Finding, Metric, Verdict
from harness.spec.policy import PolicySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotSize:
    """What one arm of the pilot came to, and the prompts it would take at that value."""

    arm: str
    value: float | None
    prompts: int
    needed: int | None
    says: str = ""


def read_pilot(folder: Path, policy: PolicySpec, today: date | None) -> Evidence:
    """Read a stored run's evidence under a policy. Only reads, and loads no model.

    Raises:
        AlteredError: The folder holds no run, or its scorers have changed since.
    """
    return StoredRun(Store(folder), policy).evidence(policy, today)


def of_pilot(
    terms: Terms, label: str, pilot: Evidence, verdicts: Sequence[Verdict]
) -> tuple[PilotSize, ...]:
    """Scale what each arm of the pilot came to; of a label ending in `=`, each value of it."""
    return tuple(
        _sized(terms, verdict, finding, pilot)
        for verdict in verdicts
        for finding in verdict.findings
        if finding.rule == terms.rule.id and finding.kind != "evidence"
        if finding.slice == label or (label.endswith("=") and finding.slice.startswith(label))
    )


def _sized(terms: Terms, verdict: Verdict, finding: Finding, pilot: Evidence) -> PilotSize:
    arm = f"{verdict.generator}/{verdict.strategy}"
    if finding.slice != "all":
        arm = f"{arm} [{finding.slice}]"
    needed = None
    if finding.value is not None:
        needed = _needed(terms, verdict, finding, pilot)
    return PilotSize(
        arm=arm, value=finding.value, prompts=finding.clusters, needed=needed,
        says="" if needed else _hopeless(finding),
    )  # fmt: skip


def _needed(terms: Terms, verdict: Verdict, finding: Finding, pilot: Evidence) -> int | None:
    require = terms.rule.require
    if require is None:
        return _of_difference(finding)
    metric = next((m for m in pilot.metrics if _is(m, verdict, finding, terms)), None)
    way: Literal["bound", "point"] = "point" if terms.decide == "point" else "bound"
    if metric is None:
        return None
    return needed_prompts(metric, require, n_min=terms.least, decide=way)


def _of_difference(finding: Finding) -> int | None:
    """The prompts at which both bounds that matter would clear what the comparison asks."""
    if finding.value is None or finding.missing:
        return None
    sides = list(_sides(finding))
    found = [
        finding.clusters
        if Bar(finding.op, limit).reading(finding.low, finding.high) == "pass"  # type: ignore[arg-type]
        else prompts_by_scaling(finding.clusters, finding.value, bound, limit)
        for bound, limit in sides
    ]
    if not found or None in found:
        return None
    return max(size for size in found if size is not None)


def _sides(finding: Finding) -> Iterator[tuple[float, float]]:
    if finding.op in ("<=", "<", "within") and finding.high is not None:
        yield finding.high, finding.limit
    if finding.op in (">=", ">") and finding.low is not None:
        yield finding.low, finding.limit
    if finding.op == "within" and finding.low is not None:
        yield finding.low, -finding.limit


def _is(metric: Metric, verdict: Verdict, finding: Finding, terms: Terms) -> bool:
    return (metric.generator, metric.strategy, metric.name, metric.slice) == (
        verdict.generator,
        verdict.strategy,
        finding.metric,
        finding.slice,
    ) and metric.confidence == terms.confidence


def _hopeless(finding: Finding) -> str:
    if finding.value is None:
        return finding.message
    if finding.op == "==":
        return "an exact count: every planned output must have a score"
    if finding.missing:
        return f"{finding.missing} scores of the pilot are missing, so it cannot be scaled"
    return "no number of prompts would do at the value seen"
