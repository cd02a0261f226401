"""Rules on a number, decided on its interval: limits on a metric, and comparisons.

Every slice must pass, each at the rule's own confidence: a pass of all is a
conjunction and needs no correction. That *some* slice fails is a disjunction,
and with thirty slices one would seem to fail by chance: Holm's correction turns
such a fail into inconclusive. It never turns anything into a pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from harness.flow.comparisons import Ask, absent, asks_of, difference
from harness.flow.evidence import ArmName, Evidence, Gap
from harness.flow.needed import in_rounds, needed_prompts
from harness.flow.saying import percent, words
from harness.flow.terms import Terms
from harness.metrics.stats.multiplicity import holm_rejections
from harness.records import Finding, Metric, Outcome
from harness.registry import suggest

Decided = tuple[Outcome, str, str]
"""An outcome, its cause, and the reason in words."""
GRAVITY: tuple[Outcome, ...] = ("fail", "inconclusive", "not_applicable", "pass")


def of_rule(arm: ArmName, terms: Terms, evidence: Evidence) -> Iterator[Finding]:
    """Decide a limit or a comparison for one arm, on everything or on each slice."""
    own = measured(arm, terms, evidence)
    if isinstance(own, Gap):
        yield finding(terms, None, "all", ("inconclusive", own.cause, own.message))
        return
    if reason := absent(arm, terms, evidence):
        yield finding(terms, None, "all", ("not_applicable", "not_applicable", reason))
        return
    found = [_of_slice(arm, terms, own, label, evidence) for label in labels(terms, own)]
    yield from _corrected(arm, terms, own, found, evidence)


def measured(arm: ArmName, terms: Terms, evidence: Evidence) -> dict[str, Metric] | Gap:
    """The rule's metric by slice, or why there is none."""
    here = [m for m in evidence.metrics if (m.generator, m.strategy) == arm]
    name = terms.rule.metric
    own = {m.slice: m for m in here if m.name == name and m.confidence == terms.confidence}
    if own and (terms.rule.slices or "all" in own):
        return own
    hint = suggest(name, {m.name for m in here})
    said = f"no scorer of this run measures it{'; ' + hint if hint else ''}"
    return Gap("missing_metric", said)


def labels(terms: Terms, own: dict[str, Metric]) -> list[str]:
    """The slices a rule speaks of, `all` without any; a wanted one may not be in the run."""
    slices = terms.rule.slices
    if slices is None:
        return ["all"]
    wanted = [f"{slices.by}={value}" for value in slices.only or ()]
    seen = sorted(label for label in own if label.startswith(f"{slices.by}="))
    return wanted or seen or [f"{slices.by}=?"]


def empty_slice(terms: Terms, label: str) -> Finding:
    """What a slice comes to that no case of the run is in."""
    slices = terms.rule.slices
    by = slices.by if slices else label
    name = by if label.endswith("=?") else label
    outcome = slices.on_empty if slices else "inconclusive"
    said = f"no case of this run is tagged {name}"
    return finding(terms, None, label, (outcome, "insufficient_n", said))


def _of_slice(
    arm: ArmName, terms: Terms, own: dict[str, Metric], label: str, evidence: Evidence
) -> Finding:
    if label not in own:
        return empty_slice(terms, label)
    asks = asks_of(terms, own[label])
    if isinstance(asks, Gap):
        return finding(terms, None, label, ("inconclusive", asks.cause, asks.message))
    read = [_of_ask(arm, terms, own[label], ask, evidence) for ask in asks]
    return min(read, key=lambda one: GRAVITY.index(one.outcome))


def _of_ask(arm: ArmName, terms: Terms, own: Metric, ask: Ask, evidence: Evidence) -> Finding:
    metric: Metric | Gap = own
    if ask.against:
        metric = difference(arm, terms, ask, own.slice, evidence)
    if isinstance(metric, Gap):
        because: Decided = ("inconclusive", metric.cause, metric.message)
        return finding(terms, None, own.slice, because, ask)
    return _read(terms, metric, ask, whole=arm not in evidence.partial)


def _read(terms: Terms, metric: Metric, ask: Ask, *, whole: bool) -> Finding:
    """Read a number on its bounds and as an estimate; the rule says which decides."""
    bound = _by_bound(terms, metric, ask, whole=whole)
    point = _by_point(terms, metric, ask, whole=whole)
    ways = {"bound": bound, "point": point}
    if terms.decide == "both":
        decided_by = min(ways, key=lambda way: GRAVITY.index(ways[way][0]))
    else:
        decided_by = terms.decide
    outcome, cause, said = ways[decided_by]
    if terms.decide == "both":
        said = f"{said}; of both readings, the {decided_by} decides"
    found = finding(terms, metric, metric.slice, (outcome, cause, said), ask)
    return replace(found, bound=bound[0], point=point[0], decided_by=decided_by)


def _by_bound(terms: Terms, metric: Metric, ask: Ask, *, whole: bool) -> Decided:
    reading = ask.bar.reading(metric.low, metric.high)
    looks = " at every look" if in_rounds(metric) else ""
    how = f"{percent(terms.confidence)} bounds{looks}"
    said = words(terms.rule.metric, ask, (metric.low, metric.high), how)
    if reading == "fail":
        return "fail", "evidence", said
    return _held(reading, said, _gap(terms, metric, whole=whole))


def _by_point(terms: Terms, metric: Metric, ask: Ask, *, whole: bool) -> Decided:
    """Compare the estimate; one that lacks scores is none."""
    value = metric.value if metric.missing == 0 else None
    reading = ask.bar.reading(value, value)
    said = words(terms.rule.metric, ask, (value,), "estimate")
    gap = _gap(terms, metric, whole=whole)
    if not whole:
        gap = Gap("insufficient_n", "an estimate counts only once the whole plan is through")
    if gap is None and metric.missing:
        planned = metric.n + metric.missing
        gap = Gap("unscored", f"{metric.missing} of {planned} cases have no score to average")
    if reading == "fail" and gap is None:
        return "fail", "evidence", said
    return _held(reading, said, gap)


def _held(reading: Outcome, said: str, gap: Gap | None) -> Decided:
    if gap:
        return "inconclusive", gap.cause, gap.message
    return reading, "evidence" if reading == "pass" else "insufficient_n", said


def _gap(terms: Terms, metric: Metric, *, whole: bool) -> Gap | None:
    """What stands in the way of a pass, whatever the numbers say."""
    planned = metric.n + metric.missing
    if metric.missing > terms.max_unscored * planned:
        return Gap("unscored", f"{metric.missing} of {planned} cases have no score")
    if metric.n < terms.least:
        return Gap("insufficient_n", f"{metric.n} scored, {terms.least} needed")
    if metric.kind == "Count" and not whole and terms.n_min <= 1:
        return Gap(
            "insufficient_n",
            "an exact count is of the whole plan, which was not gone through to the end; "
            "`n_min` would say how many outputs it takes",
        )
    if metric.cause:
        return Gap(metric.cause, f"{metric.name}: {_caused(metric)}")
    if metric.value is None or not math.isfinite(metric.value):
        return Gap("error", "no value could be computed")
    return None


def _caused(metric: Metric) -> str:
    """Say in words why a number has no bounds."""
    if metric.cause == "no_spread":
        return "all outputs are equal: no interval can be told"
    return f"{metric.cause} ({metric.missing} without a score)"


def _corrected(
    arm: ArmName,
    terms: Terms,
    own: dict[str, Metric],
    found: Sequence[Finding],
    evidence: Evidence,
) -> Iterator[Finding]:
    """Let only those slices fail that Holm's procedure rejects among all of the rule's."""
    slices = terms.rule.slices
    failed = [f.slice for f in found if f.outcome == "fail" and f.cause == "evidence"]
    if slices is None or slices.family == "none" or len(found) < 2 or terms.decide == "point":
        yield from found
        return

    def fails(label: str, confidence: float) -> bool:
        stricter = replace(terms, confidence=confidence)
        sharper = {label: evidence.at(own[label], confidence)}
        return _of_slice(arm, stricter, sharper, label, evidence).outcome == "fail"

    kept = holm_rejections(len(found), failed, terms.confidence, fails)
    for one in found:
        if one.slice in failed and one.slice not in kept:
            said = f"{one.message}; not so among {len(found)} slices (Holm)"
            yield replace(one, outcome="inconclusive", cause="insufficient_n", message=said)
        else:
            yield one


def finding(
    terms: Terms,
    metric: Metric | None,
    label: str,
    decided: Decided,
    ask: Ask | None = None,
) -> Finding:
    """Write down what a rule says of a slice, with the numbers it rests on."""
    outcome, cause, said = decided
    rule, require = terms.rule, terms.rule.require
    needed = None
    if metric and require and outcome == "inconclusive" and cause == "insufficient_n":
        way: Literal["bound", "point"] = "point" if terms.decide == "point" else "bound"
        needed = needed_prompts(metric, require, n_min=terms.least, decide=way)
    return Finding(
        rule=rule.id,
        metric=rule.metric,
        slice=label,
        outcome=outcome,
        cause=cause,
        severity=rule.severity,
        op=ask.bar.op if ask else (require.op if require else "within"),
        limit=ask.bar.limit if ask else (require.value if require else 0.0),
        value=metric.value if metric else None,
        low=metric.low if metric else None,
        high=metric.high if metric else None,
        n=metric.n if metric else 0,
        missing=metric.missing if metric else 0,
        clusters=metric.clusters if metric else 0,
        needed=needed,
        message=said,
        why=rule.why,
        kind=rule.kind,
        asked=ask.words if ask else "",
        against=rule.compare.against if rule.compare else "",
        decided_by="bound" if terms.decide == "both" else terms.decide,
    )
