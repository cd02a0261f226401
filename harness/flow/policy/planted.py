"""Evidence made up to try a policy on: numbers a run could come to, with their own bounds.

Rates and counts get the bounds that `estimate` gives one output of each prompt;
of any other number, whose spread is unknown, an interval that stays within its
range. Only a quantile's may be a point, where outputs are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from harness.flow.evidence import Difference, Evidence, Gap, Question, Signed
from harness.flow.judge import confidences
from harness.flow.policy.traits import Traits
from harness.metrics.stats.proportion import exact_lower, exact_upper
from harness.records import Metric
from harness.spec.policy import PolicySpec, Rule
from harness.spec.requirement import Coverage

ARM = ("planted-generator", "planted-strategy")
SUBJECT = "0" * 64
_ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a metric came to: of `n` scored and `missing` outputs, `width` to either bound."""

    value: float | None
    n: int
    missing: int = 0
    width: float = 0.0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Duel:
    """Both sides of a comparison, and the width of the bounds of their difference."""

    ours: float
    theirs: float
    width: float = 1e-9


Duels = Callable[[Question], Duel | Gap]


def said(seen: Seen, traits: Traits) -> str:
    """Write what was planted in a few words."""
    lost = f", {seen.missing:,} unscored" if seen.missing else ""
    if seen.value is None:
        return f"nothing{lost}"
    if traits.kind == "Proportion":
        return f"{round(seen.value * seen.n):,} of {seen.n:,}{lost}"
    if traits.kind == "Count":
        return f"{seen.value:,.0f} in {seen.n:,} outputs{lost}"
    return f"{seen.value:.6g} ± {seen.width:.2g}{lost}"


def metric_of(name: str, traits: Traits, label: str, confidence: float, seen: Seen) -> Metric:
    """Write a planted number as the metric a run would have."""
    low, high = _bounds(traits, confidence, seen)
    cause = seen.cause
    if seen.value is not None and traits.kind != "Proportion" and None in (low, high):
        cause = cause or ("unscored" if seen.missing else "")
    return Metric(
        generator=ARM[0], strategy=ARM[1], slice=label, name=name, value=seen.value, low=low,
        high=high, confidence=confidence, n=seen.n, missing=seen.missing,
        clusters=seen.n + seen.missing, kind=traits.kind, unit="", better=traits.better,
        signature="", design_effect=1.0, cause=cause,
    )  # fmt: skip


def _bounds(traits: Traits, confidence: float, seen: Seen) -> tuple[float | None, float | None]:
    value, planned = seen.value, seen.n + seen.missing
    if value is None:
        return None, None
    if traits.kind == "Proportion":
        events = round(value * seen.n)
        low = float(exact_lower(events, planned, confidence))
        return low, float(exact_upper(events + seen.missing, planned, confidence))
    if traits.kind == "Count":
        return value, None if seen.missing else value
    if seen.missing:
        return traits.low, traits.high
    return clipped(value - seen.width, traits), clipped(value + seen.width, traits)


def clipped(value: float, traits: Traits) -> float:
    """The nearest number to a value that a metric can be."""
    if traits.low is not None:
        value = max(value, traits.low)
    return value if traits.high is None else min(value, traits.high)


def evidence_of(
    policy: PolicySpec, traits: Mapping[str, Traits], seen: Mapping[str, Seen], **more: Any
) -> Evidence:
    """Lay planted numbers out for every slice and confidence a policy asks for."""
    metrics = [
        metric_of(name, traits[name], label, confidence, one)
        for name, one in seen.items()
        for label in labels(policy.rules)
        for confidence in confidences(policy)
    ]

    def at(metric: Metric, confidence: float) -> Metric:
        name = metric.name
        return metric_of(name, traits[name], metric.slice, confidence, seen[name])

    subjects = {ARM[0]: SUBJECT}
    return Evidence(metrics=metrics, at=at, **{"subjects": subjects, **more})


def labels(rules: Iterable[Rule]) -> list[str]:
    """Everything, and each slice that rules name; of a tag without values, one."""
    found = ["all"]
    for rule in rules:
        if rule.slices:
            found += [f"{rule.slices.by}={value}" for value in rule.slices.only or (_ANY,)]
    return list(dict.fromkeys(found))


def answers(duels: Duels, traits: Mapping[str, Traits]) -> Callable[[Question], Any]:
    """Answer questions about differences, within what the two ranges allow."""

    def answer(question: Question) -> Difference | Gap:
        duel = duels(question)
        if isinstance(duel, Gap):
            return duel
        own = traits[question.metric]
        value = duel.ours - question.scale * duel.theirs
        within = _range_of_difference(own, question.scale)
        seen = Seen(value=value, n=1_000, width=duel.width)
        kept = replace(own, kind="Difference", low=within[0], high=within[1])
        metric = metric_of(question.metric, kept, question.slice, question.confidence, seen)
        return Difference(metric, duel.theirs)

    return answer


def _range_of_difference(own: Traits, scale: float) -> tuple[float | None, float | None]:
    if own.low is None or own.high is None:
        return None, None
    return own.low - scale * own.high, own.high - scale * own.low


def covering(rules: Iterable[Rule]) -> list[dict[str, str]]:
    """Prompts that cover every bank that rules ask for, as far as tags allow."""
    return [tags for rule in rules if rule.coverage for tags in _bank(rule.coverage)]


def _bank(asked: Coverage) -> Iterator[dict[str, str]]:
    for value, n in asked.each.items():
        yield from ({asked.by: value, **asked.where} for _ in range(n))
    for _ in range((asked.total or 0) - sum(asked.each.values())):
        yield {asked.by: _ANY, **asked.where}


def signed(rules: Iterable[Rule]) -> dict[str, Signed]:
    """Every document that rules ask for, signed by all who may."""
    asked = [rule.document for rule in rules if rule.document]
    return {one.file: Signed(SUBJECT, tuple(sorted(one.signed_by))) for one in asked}


def day_of(rules: Sequence[Rule], today: date) -> date:
    """A day on which the documents of rules are as young as can be."""
    dated = [rule.document.dated for rule in rules if rule.document and rule.document.dated]
    return max((date.fromisoformat(day) for day in dated), default=today)
