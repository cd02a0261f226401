"""Rules that estimate nothing: every output, kinds of prompts, documents, the run itself."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from harness.flow.comparisons import Ask
from harness.flow.evidence import ArmName, Evidence, Gap
from harness.flow.rulings import Decided, empty_slice, finding, labels, measured
from harness.flow.terms import Bar, Terms
from harness.records import Finding, Metric
from harness.spec.policy import PolicySpec, Rule
from harness.spec.requirement import Coverage, Document

_DIGITS = 12


def not_applicable(rule: Rule, reason: str) -> Finding:
    """A rule that the policy says does not apply, with its reason."""
    words = rule.metric or rule.kind
    return _static(rule, words, ("not_applicable", "not_applicable", reason))


def conformance(arm: ArmName, terms: Terms, evidence: Evidence) -> Iterator[Finding]:
    """Hold every planned output to a rate of 1 or 0: one output decides a fail."""
    own = measured(arm, terms, evidence)
    if isinstance(own, Gap):
        yield finding(terms, None, "all", ("inconclusive", own.cause, own.message))
        return
    for label in labels(terms, own):
        if label in own:
            yield _conforms(terms, own[label], whole=arm not in evidence.partial)
        else:
            yield empty_slice(terms, label)


def _conforms(terms: Terms, metric: Metric, *, whole: bool) -> Finding:
    conform = terms.rule.conform
    wanted = 1.0 if conform is None or conform.expect == "all" else 0.0
    ask = Ask(Bar("==", wanted), f"{metric.name} of {'every' if wanted else 'no'} output")
    if metric.kind != "Proportion":
        said = f"{metric.name} is no rate of outputs, so not every output can be held to it"
        return finding(terms, metric, metric.slice, ("inconclusive", "error", said), ask)
    if metric.value is None:
        decided: Decided = ("inconclusive", metric.cause or "unscored", "no output has a score")
    elif not math.isfinite(metric.value):
        decided = ("inconclusive", "error", "no value could be computed")
    elif metric.value != wanted:
        odd = round(abs(metric.value - wanted) * metric.n)
        decided = ("fail", "evidence", f"{odd} of {metric.n} outputs do not conform")
    else:
        decided = _seen(terms, metric, whole=whole)
    return finding(terms, metric, metric.slice, decided, ask)


def _seen(terms: Terms, metric: Metric, *, whole: bool) -> Decided:
    """Where every output seen conforms: whether all that were planned were seen."""
    if metric.missing or metric.cause or not whole or metric.n < terms.least:
        planned = metric.n + metric.missing
        said = f"{metric.n} of {planned} outputs were seen" + ("" if whole else ", of a part")
        short = metric.cause or ("unscored" if metric.missing else "insufficient_n")
        return "inconclusive", short, said
    return "pass", "evidence", f"all {metric.n} outputs conform"


def coverage(rule: Rule, asked: Coverage, evidence: Evidence) -> Finding:
    """Count the distinct prompts of each kind, against what the rule asks."""
    counted = [
        tags for tags in evidence.prompts
        if all(tags.get(key) == value for key, value in asked.where.items())
    ]  # fmt: skip
    by_value = Counter(tags[asked.by] for tags in counted if asked.by in tags)
    total, least = len(counted), asked.total or 0
    short = [f"{v}: {by_value[v]} of {n}" for v, n in asked.each.items() if by_value[v] < n]
    if total < least:
        short.insert(0, f"in all: {total} of {least}")
    words = f"prompts by {asked.by}"
    if asked.where:
        words += " where " + ", ".join(f"{k}={v}" for k, v in asked.where.items())
    if sum(asked.each.values()) > least:
        words += f", the sum of {len(asked.each)} kinds"
    said = f"too few prompts, {'; '.join(short)}" if short else f"{total} prompts cover it"
    decided: Decided = ("fail" if short else "pass", "evidence", said)
    if short and evidence.partial:
        decided = ("inconclusive", "insufficient_n", f"{said}; not all were asked")
    found = _static(rule, words, decided)
    return _numbered(found, ">=", float(max(least, sum(asked.each.values()))), float(total))


def document(rule: Rule, asked: Document, evidence: Evidence) -> Finding:
    """Count the people whose signature on the document is valid."""
    words = f"document {asked.file}"
    signed = evidence.documents.get(asked.file)
    if signed is None:
        said = f"there is no document {asked.file!r}"
        return _static(rule, words, ("inconclusive", "missing_metric", said))
    people = sorted(set(signed.signers) & set(asked.signed_by))
    valid, names = len(people), ", ".join(people) or "nobody"
    decided: Decided = ("pass", "evidence", f"signed by {names}")
    if signed.invalid:
        said = f"the signature of {', '.join(signed.invalid)} is not of these bytes"
        decided = ("fail", "digest_mismatch", said)
    elif valid < asked.signatures:
        decided = ("fail", "evidence", _unsigned(asked, people))
    elif stale := _stale(asked, evidence.today):
        decided = ("inconclusive", "stale", stale)
    return _numbered(_static(rule, words, decided), ">=", asked.signatures, valid)


def _unsigned(asked: Document, people: Sequence[str]) -> str:
    """Count the signatures, and name who has not signed and where theirs is looked for."""
    absent = [name for name in sorted(asked.signed_by) if name not in people]
    files = ", ".join(f"{asked.file}.{name}.sig" for name in absent)
    return f"{len(people)} of {asked.signatures} signatures; not there: {files}"


def _stale(asked: Document, today: date | None) -> str:
    if asked.dated is None:
        return ""
    dated = date.fromisoformat(asked.dated)
    if today is None or dated > today:
        return f"dated {asked.dated}, which is yet to come"
    if asked.max_age_days is not None and today - dated > timedelta(days=asked.max_age_days):
        return f"dated {asked.dated}, and at most {asked.max_age_days} days are allowed"
    return ""


def of_the_run(arm: ArmName, evidence: Evidence, policy: PolicySpec) -> Iterator[Finding]:
    """What keeps a run from being evidence at all: one blocking finding for each reason."""
    for name, gap in _gaps(arm, evidence, policy):
        yield _blank(name, gap)


def _gaps(arm: ArmName, evidence: Evidence, policy: PolicySpec) -> Iterator[tuple[str, Gap]]:
    asked, generator = policy.evidence, arm[0]
    identity = evidence.identities.get(generator)
    if asked.identity and identity not in asked.identity:
        said = f"the model's identity is {identity}; {' or '.join(asked.identity)} is asked for"
        yield "evidence.identity", Gap("digest_mismatch", said)
    if asked.prompts and len(evidence.prompts) < asked.prompts:
        said = f"{len(evidence.prompts)} distinct prompts; {asked.prompts} are asked for"
        yield "evidence.prompts", Gap("insufficient_n", said)
    if asked.suite and evidence.suite != asked.suite:
        said = f"this is a run of another suite, {evidence.suite[:_DIGITS] or 'unknown'}"
        yield "evidence.suite", Gap("digest_mismatch", said)
    for name, wanted in asked.scorers.items():
        found = evidence.scorers.get(name, "")
        if not found.startswith(wanted[:_DIGITS]) or len(wanted) < _DIGITS:
            said = f"scorer {name!r} is {found[:_DIGITS] or 'absent'}, not {wanted[:_DIGITS]}"
            yield "evidence.scorers", Gap("digest_mismatch", said)
    if not evidence.committed:
        said = "its seed was not written down before it was generated"
        yield "attempts", Gap("unplanned_retry", said)
    own = evidence.arm_subjects.get(arm)
    failed = [a for a in evidence.attempts if a.subject == own and a.outcome == "fail"]
    if len(failed) >= policy.attempts:
        tried = ", ".join(f"{a.run_id} (seed {a.seed})" for a in failed)
        said = (
            f"the same model failed this policy before, in {tried}; "
            f"{policy.attempts} attempt{'s were' if policy.attempts > 1 else ' was'} planned"
        )
        yield "attempts", Gap("unplanned_retry", said)


def _blank(name: str, gap: Gap) -> Finding:
    return Finding(
        rule=name, metric=name, slice="all", outcome="inconclusive", cause=gap.cause,
        severity="block", op="", limit=0.0, value=None, low=None, high=None, n=0, missing=0,
        clusters=0, needed=None, message=gap.message, kind="evidence", asked=name,
    )  # fmt: skip


def _static(rule: Rule, words: str, decided: Decided) -> Finding:
    outcome, cause, said = decided
    return Finding(
        rule=rule.id, metric=rule.metric or words, slice="all", outcome=outcome, cause=cause,
        severity=rule.severity, op="", limit=0.0, value=None, low=None, high=None, n=0,
        missing=0, clusters=0, needed=None, message=said, why=rule.why, kind=rule.kind,
        asked=words,
    )  # fmt: skip


def _numbered(found: Finding, op: str, limit: float, value: float) -> Finding:
    from dataclasses import replace

    return replace(found, op=op, limit=limit, value=value, low=value, high=value)
