"""Waivers applied to findings: counted, shown, and never more than they were granted for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import cast

from harness.errors import WaiverError
from harness.flow.evidence import Evidence
from harness.flow.terms import Bar, Op
from harness.records import Excuse, Finding, Verdict
from harness.spec.policy import PolicySpec
from harness.spec.waiver import Waiver


def excused(
    verdicts: Sequence[Verdict],
    evidence: Evidence,
    policy: PolicySpec,
    waivers: Sequence[Waiver],
) -> Iterator[tuple[Verdict, tuple[Finding, ...]]]:
    """Give each verdict with its findings, those that a waiver covers turned into `waived`.

    Raises:
        WaiverError: A waiver is expired, not yet in force, for a rule that is not
            there, or for a legal one.
    """
    check(waivers, policy, evidence.today)
    for verdict in verdicts:
        subject = evidence.subjects.get(verdict.generator)
        own = [w for w in waivers if w.subject_digest == subject]
        yield verdict, tuple(_waived(f, verdict, own) for f in verdict.findings)


def excuses(verdicts: Sequence[Verdict], waivers: Sequence[Waiver]) -> tuple[Excuse, ...]:
    """Every waiver that was handed in, how many findings it excused, and why none."""
    used = [finding.waiver for verdict in verdicts for finding in verdict.findings]
    return tuple(
        Excuse(
            id=w.id, rule=w.rule, slice=w.slice, strategy=w.strategy, reason=w.reason,
            requested_by=w.requested_by,
            approved_by=w.approved_by, expires=w.expires.isoformat(), ticket=w.ticket,
            used=used.count(w.id), idle="" if w.id in used else _idle(w, verdicts),
        )
        for w in waivers
    )  # fmt: skip


def check(waivers: Sequence[Waiver], policy: PolicySpec, today: date | None) -> None:
    """Refuse waivers that nothing can come of, before anything rests on them.

    Raises:
        WaiverError: One is expired, not yet in force, for a rule that is not
            there, or for a legal one.
    """
    for waiver in waivers:
        _check(waiver, policy, today)


def _check(waiver: Waiver, policy: PolicySpec, today: date | None) -> None:
    rules = {rule.id: rule for rule in policy.rules}
    where = f"waiver {waiver.id!r}"
    if waiver.rule not in rules:
        raise WaiverError(
            f"the policy has no rule {waiver.rule!r}", where=where, fix="remove the waiver"
        )
    if rules[waiver.rule].severity == "legal":
        raise WaiverError(
            f"{waiver.rule!r} is a legal rule; none of these can be waived", where=where
        )
    if today is None or not waiver.created <= today <= waiver.expires:
        raise WaiverError(
            f"it holds from {waiver.created} to {waiver.expires}, and today is {today}",
            where=where,
            fix="remove it, or have a second person grant a new one",
        )


def _waived(finding: Finding, verdict: Verdict, waivers: Sequence[Waiver]) -> Finding:
    waiver = next((w for w in waivers if _covers(w, finding, verdict)), None)
    if waiver is None:
        return finding
    said = f"{finding.message}; waived until {waiver.expires}: {waiver.reason}"
    return replace(
        finding, outcome="waived", cause=f"waiver:{waiver.id}", waiver=waiver.id, message=said
    )


def _covers(waiver: Waiver, finding: Finding, verdict: Verdict) -> bool:
    if not _speaks_of(waiver, finding):
        return False
    return waiver.strategy in (None, verdict.strategy) and waiver.covers in _coverable(finding)


def _speaks_of(waiver: Waiver, finding: Finding) -> bool:
    """Whether it is of the waiver's rule and slice, and not of the run by that name."""
    same = (finding.rule, finding.slice) == (waiver.rule, waiver.slice)
    return same and finding.kind != "evidence"


def _coverable(finding: Finding) -> tuple[str, ...]:
    """What a waiver may say that it covers, to excuse a finding.

    A rule whose own estimate is past the limit lacks more than prompts: it
    takes a waiver of a fail, and what else stands in its way is not excused.
    """
    if finding.outcome == "fail":
        return ("fail",) if finding.cause == "evidence" else ()
    if finding.outcome != "inconclusive":
        return ()
    if _past(finding):
        return ("fail",) if finding.cause == "insufficient_n" else ()
    return (finding.cause,)


def _past(finding: Finding) -> bool:
    """Whether the estimate, with nothing added for chance, is on the wrong side."""
    if finding.kind not in ("require", "compare") or finding.value is None or not finding.op:
        return False
    bar = Bar(cast("Op", finding.op), finding.limit)
    return bar.reading(finding.value, finding.value) == "fail"


def _idle(waiver: Waiver, verdicts: Sequence[Verdict]) -> str:
    """Why a waiver excuses nothing here."""
    of_rule = [
        (verdict, finding)
        for verdict in verdicts
        for finding in verdict.findings
        if finding.rule == waiver.rule and finding.kind != "evidence"
    ]
    own = [(v, f) for v, f in of_rule if f.slice == waiver.slice]
    if not own:
        slices = ", ".join(sorted({finding.slice for _, finding in of_rule}))
        return f"it is for slice {waiver.slice!r}, and the rule speaks of {slices or 'none'}"
    here = [f for v, f in own if waiver.strategy in (None, v.strategy)]
    if not here:
        return f"it is for strategy {waiver.strategy!r}, which this run has not"
    return _idle_among(waiver, here)


def _idle_among(waiver: Waiver, findings: Sequence[Finding]) -> str:
    """Why it excuses none of the findings of its rule, slice and strategy."""
    still = [f for f in findings if f.outcome in ("fail", "inconclusive")]
    if any(waiver.covers in _coverable(f) for f in still):
        return "it is for another model: no subject digest of this run is its own"
    if any(f.waiver for f in findings):
        return "another waiver excuses it already"
    if not still:
        return "the rule holds without it, or does not apply"
    found = still[0]
    came = "fail" if found.outcome == "fail" else found.cause
    if came == "fail" and found.cause != "evidence":
        return f"a fail by {found.cause} cannot be waived"
    if not _past(found) or found.outcome == "fail":
        return f"it covers {waiver.covers}, and the rule came to {came}"
    said = f"the estimate {found.value:.4g} is itself past the limit"
    more = "it takes `covers: fail`" if came == "insufficient_n" else f"with {came}, none can"
    return f"it covers {waiver.covers}, and {said}: {more}"
