"""Metrics to verdict: apply a policy, and never take silence for safety."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from harness.flow.needed import needed_prompts
from harness.records import Finding, Metric, Outcome, Verdict
from harness.registry import suggest
from harness.spec.policy import Defaults, PolicySpec, Rule

_BLOCKING = ("legal", "block")


@dataclass(frozen=True, slots=True)
class Terms:
    """How one rule is decided, with the policy's defaults filled in."""

    rule: Rule
    confidence: float
    decide: Literal["bound", "point"]
    max_unscored: float
    n_min: int

    @classmethod
    def of(cls, rule: Rule, defaults: Defaults) -> Terms:
        """Fill a rule's unset keys from the defaults."""
        unscored = rule.max_unscored
        return cls(
            rule=rule,
            confidence=rule.confidence or defaults.confidence,
            decide=rule.decide or defaults.decide,
            max_unscored=defaults.max_unscored if unscored is None else unscored,
            n_min=rule.n_min or defaults.n_min,
        )


def confidences(policy: PolicySpec) -> tuple[float, ...]:
    """Every confidence the policy's rules ask bounds at."""
    return tuple(sorted({Terms.of(rule, policy.defaults).confidence for rule in policy.rules}))


def judge(metrics: Sequence[Metric], policy: PolicySpec) -> tuple[Verdict, ...]:
    """Apply every rule to every arm and slice it names. Pure: same input, same verdicts."""
    ordered = sorted(metrics, key=lambda m: (m.generator, m.strategy, m.name, m.slice))
    return tuple(
        _verdict(generator, strategy, list(group), policy)
        for (generator, strategy), group in groupby(
            ordered, key=lambda m: (m.generator, m.strategy)
        )
    )


def overall(outcomes: Sequence[Outcome]) -> Outcome:
    """Combine outcomes: any fail, then any inconclusive; pass only where something passed."""
    if "fail" in outcomes:
        return "fail"
    if "inconclusive" in outcomes or "pass" not in outcomes:
        return "inconclusive"
    return "pass"


def _verdict(
    generator: str, strategy: str, metrics: Sequence[Metric], policy: PolicySpec
) -> Verdict:
    findings = tuple(
        finding
        for rule in policy.rules
        for finding in _findings(Terms.of(rule, policy.defaults), metrics)
    )
    blocking = [finding.outcome for finding in findings if finding.severity in _BLOCKING]
    return Verdict(
        generator=generator, strategy=strategy, outcome=overall(blocking), findings=findings
    )


def _findings(terms: Terms, metrics: Sequence[Metric]) -> Iterator[Finding]:
    own = {
        metric.slice: metric
        for metric in metrics
        if metric.name == terms.rule.require.metric and metric.confidence == terms.confidence
    }
    slices = terms.rule.slices
    if not own or (slices is None and "all" not in own):
        hint = suggest(terms.rule.require.metric, {metric.name for metric in metrics})
        said = f"no scorer of this run measures it{'; ' + hint if hint else ''}"
        yield _finding(terms, None, "all", ("inconclusive", "missing_metric", said))
        return
    if slices is None:
        yield _decided(terms, own["all"])
        return
    wanted = [f"{slices.by}={value}" for value in slices.only or ()]
    for label in wanted or sorted(s for s in own if s.startswith(f"{slices.by}=")) or [""]:
        if label in own:
            yield _decided(terms, own[label])
        else:
            said = f"no case of this run is tagged {label or slices.by}"
            label = label or f"{slices.by}=?"
            yield _finding(terms, None, label, (slices.on_empty, "insufficient_n", said))


def _decided(terms: Terms, metric: Metric) -> Finding:
    outcome, cause, said = _outcome(terms, metric)
    return _finding(terms, metric, metric.slice, (outcome, cause, said))


def _outcome(terms: Terms, metric: Metric) -> tuple[Outcome, str, str]:
    """Decide one rule on one metric: outcome, cause, and the reason in words."""
    low, high = _span(terms, metric)
    reading, gap = _compare(terms, low, high), _gap(terms, metric)
    if reading == "fail" and (gap is None or terms.decide == "bound"):
        return "fail", "evidence", _words(terms, low, high)
    if gap:
        return "inconclusive", *gap
    if reading == "pass":
        return "pass", "evidence", _words(terms, low, high)
    return "inconclusive", "insufficient_n", _words(terms, low, high)


def _span(terms: Terms, metric: Metric) -> tuple[float | None, float | None]:
    """The range the truth may lie in; a point estimate that lacks scores has none."""
    if terms.decide == "bound":
        return metric.low, metric.high
    return (metric.value, metric.value) if metric.missing == 0 else (None, None)


def _compare(terms: Terms, low: float | None, high: float | None) -> Outcome:
    op, limit = terms.rule.require.op, terms.rule.require.value
    above = low is not None and low > limit
    below = high is not None and high < limit
    within = {
        "<=": high is not None and high <= limit,
        ">=": low is not None and low >= limit,
        "==": low == limit and high == limit,
    }[op]
    if (above and op != ">=") or (below and op != "<="):
        return "fail"
    return "pass" if within else "inconclusive"


def _gap(terms: Terms, metric: Metric) -> tuple[str, str] | None:
    """What stands in the way of a pass, whatever the bounds say."""
    planned, least = metric.n + metric.missing, _least(terms)
    if metric.missing > terms.max_unscored * planned:
        return "unscored", f"{metric.missing} of {planned} cases have no score"
    if metric.n < least:
        return "insufficient_n", f"{metric.n} scored, {least} needed"
    if metric.missing and terms.decide == "point":
        return "unscored", f"{metric.missing} of {planned} cases have no score to average"
    if metric.cause:
        return metric.cause, f"{metric.name}: {metric.cause} ({metric.missing} without a score)"
    if metric.value is None or not math.isfinite(metric.value):
        return "error", "no value could be computed"
    return None


def _least(terms: Terms) -> int:
    return max(terms.n_min, terms.rule.slices.min_n if terms.rule.slices else 1)


def _words(terms: Terms, low: float | None, high: float | None) -> str:
    require = terms.rule.require
    shown = " to ".join("unbounded" if v is None else f"{v:.4g}" for v in (low, high))
    how = "estimate" if terms.decide == "point" else f"{terms.confidence:.0%} bounds"
    return f"{require.metric} {require.op} {require.value:.4g}: {how} {shown}"


def _needed(terms: Terms, metric: Metric) -> int | None:
    require = terms.rule.require
    return needed_prompts(metric, require, n_min=_least(terms), decide=terms.decide)


def _finding(
    terms: Terms, metric: Metric | None, label: str, decided: tuple[Outcome, str, str]
) -> Finding:
    outcome, cause, said = decided
    open_for_n = outcome == "inconclusive" and cause == "insufficient_n"
    return Finding(
        rule=terms.rule.id,
        metric=terms.rule.require.metric,
        slice=label,
        outcome=outcome,
        cause=cause,
        severity=terms.rule.severity,
        op=terms.rule.require.op,
        limit=terms.rule.require.value,
        value=metric.value if metric else None,
        low=metric.low if metric else None,
        high=metric.high if metric else None,
        n=metric.n if metric else 0,
        missing=metric.missing if metric else 0,
        clusters=metric.clusters if metric else 0,
        needed=_needed(terms, metric) if metric and open_for_n else None,
        message=said,
        why=terms.rule.why,
    )
