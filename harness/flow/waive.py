"""Waivers applied to findings: counted, shown, and never more than they were granted for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from harness.errors import WaiverError
from harness.flow.evidence import Evidence
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
    """Every waiver that was handed in, with the number of findings it excused."""
    used = [finding.waiver for verdict in verdicts for finding in verdict.findings]
    return tuple(
        Excuse(
            id=w.id, rule=w.rule, slice=w.slice, strategy=w.strategy, reason=w.reason,
            requested_by=w.requested_by,
            approved_by=w.approved_by, expires=w.expires.isoformat(), ticket=w.ticket,
            used=used.count(w.id),
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
    fits = (finding.rule, finding.slice) == (waiver.rule, waiver.slice)
    fits = fits and finding.kind != "evidence"  # of the run, though a rule bear its name
    if not fits or waiver.strategy not in (None, verdict.strategy):
        return False
    if finding.outcome == "fail":
        return waiver.covers == "fail" and finding.cause == "evidence"
    return finding.outcome == "inconclusive" and finding.cause == waiver.covers
