"""Evidence to verdict: apply a policy, and never take silence for safety."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.flow import checks, rulings
from harness.flow.evidence import ArmName, Evidence
from harness.flow.terms import Terms, confidences
from harness.flow.waive import excused
from harness.records import Finding, Outcome, Verdict
from harness.spec.policy import PolicySpec, Rule
from harness.spec.waiver import Waiver

BLOCKING = ("legal", "block")


def judge(
    evidence: Evidence, policy: PolicySpec, waivers: Sequence[Waiver] = ()
) -> tuple[Verdict, ...]:
    """Apply every rule to every arm and slice it names. Pure: same input, same verdicts.

    Raises:
        WaiverError: A waiver is expired, or for what no waiver can excuse.
    """
    arms = sorted({(m.generator, m.strategy) for m in evidence.metrics})
    verdicts = [_verdict(arm, evidence, policy) for arm in arms]
    return tuple(
        replace(verdict, findings=found, outcome=overall(_blocking(found)))
        for verdict, found in excused(verdicts, evidence, policy, waivers)
    )


def overall(outcomes: Sequence[Outcome]) -> Outcome:
    """Combine outcomes: any fail, then any inconclusive; pass only where something passed."""
    if "fail" in outcomes:
        return "fail"
    if "inconclusive" in outcomes or "pass" not in outcomes:
        return "inconclusive"
    return "pass"


def _verdict(arm: ArmName, evidence: Evidence, policy: PolicySpec) -> Verdict:
    findings = list(checks.of_the_run(arm, evidence, policy))
    for rule in policy.rules:
        findings += _findings(arm, rule, evidence, policy)
    outcome = overall(_blocking(findings))
    return Verdict(generator=arm[0], strategy=arm[1], outcome=outcome, findings=tuple(findings))


def _findings(
    arm: ArmName, rule: Rule, evidence: Evidence, policy: PolicySpec
) -> Iterator[Finding]:
    if rule.id in policy.not_applicable:
        yield checks.not_applicable(rule, policy.not_applicable[rule.id])
    elif rule.coverage:
        yield checks.coverage(rule, rule.coverage, evidence)
    elif rule.document:
        yield checks.document(rule, rule.document, evidence)
    elif rule.conform:
        yield from checks.conformance(arm, Terms.of(rule, policy), evidence)
    else:
        yield from rulings.of_rule(arm, Terms.of(rule, policy), evidence)


def _blocking(findings: Sequence[Finding]) -> list[Outcome]:
    return [finding.outcome for finding in findings if finding.severity in BLOCKING]


__all__ = ["BLOCKING", "confidences", "judge", "overall"]
