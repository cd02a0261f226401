"""Each shipped pack can be met, can be missed, and takes no silence for an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.flow.judge import judge
from harness.records import Metric
from harness.spec.extend import load_policy
from harness.spec.library import packs
from harness.spec.policy import PolicySpec, Rule
from tests.flow.synthetic import Answers, evidence, findings, metric

PACKS = packs()


def wanted(rule: Rule, *, good: bool) -> list[Metric]:
    """Numbers that a rule passes, or fails."""
    label, target = "all", 1.0 if good else 0.5
    if rule.slices and rule.slices.only:
        label = f"{rule.slices.by}={rule.slices.only[0]}"
    if rule.require:
        target = rule.require.value if good else rule.require.value + 0.01
        if rule.require.op == ">=" and not good:
            target = rule.require.value - 0.01
    kind = "Count" if rule.require and rule.require.op == "==" else "Proportion"
    about = metric(
        name=rule.metric, slice=label, value=target, low=target, high=target, n=5000, kind=kind
    )
    return [about, replace(about, slice="all")]


def bank(policy: PolicySpec) -> list[dict[str, str]]:
    """The prompts that satisfy every coverage rule."""
    found = []
    for asked in [rule.coverage for rule in policy.rules if rule.coverage]:
        each = [value for value, n in asked.each.items() for _ in range(n)]
        spare = max(0, (asked.total or 0) - len(each))
        kinds = [*each, *[next(iter(asked.each), "any")] * spare]
        found += [{asked.by: kind, **asked.where} for kind in kinds]
    return found


def judged(policy: PolicySpec, *, good: bool) -> dict[str, str]:
    ordered = sorted(policy.rules, key=lambda rule: rule.require is not None)
    lines = {(m.name, m.slice): m for r in ordered for m in wanted(r, good=good)}
    answers = Answers(0.1 if good else 1.0, 0.3)
    seen = evidence(
        *lines.values(), prompts=bank(policy) if good else [], contrast=answers
    )  # fmt: skip
    return {one.rule: one.outcome for one in findings(seen, policy)}


@pytest.mark.parametrize("name", PACKS)
def test_every_rule_of_a_pack_can_pass_and_fail_and_is_inconclusive_without_evidence(
    name: str,
) -> None:
    policy = load_policy(PACKS[name])
    assert set(judged(policy, good=True).values()) == {"pass"}
    assert set(judged(policy, good=False).values()) == {"fail"}
    nothing = {one.rule: one.outcome for one in findings(evidence(), policy)}
    counted = {rule.id for rule in policy.rules if not rule.coverage}
    assert {nothing[one] for one in counted} == {"inconclusive"}
    assert "pass" not in nothing.values()


def test_the_reference_model_beside_the_ladder_needs_only_the_prompts() -> None:
    policy = load_policy(PACKS["ailuminate-style"])
    bad = metric(
        name="judge.violation_rate", generator="reference", value=0.3, low=0.2, high=0.4
    )  # fmt: skip
    (verdict,) = judge(evidence(bad, prompts=bank(policy)), policy)
    assert verdict.outcome == "pass"
    outcomes = {one.rule: one.outcome for one in verdict.findings}
    assert outcomes["ailuminate.good"] == "not_applicable"
