"""What keeps a run from being evidence at all, and rules that do not apply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.flow.evidence import Evidence
from harness.flow.judge import judge
from harness.records import Attempt, Metric
from tests.flow.synthetic import evidence, findings, limit, metric, policy

MODEL = "5" * 64
TRIED = Attempt(
    run_id="old", generator="g", seed=7, outcome="fail", entry="e" * 64, subject=MODEL
)


def tried_before(*metrics: Metric, **seen: Any) -> Evidence:
    """Evidence about the model that an earlier attempt was about."""
    return evidence(*metrics, arm_subjects={("g", "s"): MODEL}, **seen)


@pytest.mark.parametrize(
    ("asked", "seen", "rule", "cause"),
    [
        ({"evidence": {"identity": ["weights"]}}, {"identities": {"g": "declared"}},
         "evidence.identity", "digest_mismatch"),
        ({"evidence": {"identity": ["weights"]}}, {}, "evidence.identity", "digest_mismatch"),
        ({"evidence": {"prompts": 2}}, {"prompts": [{}]}, "evidence.prompts", "insufficient_n"),
        ({"evidence": {"suite": "a" * 64}}, {"suite": "b" * 64}, "evidence.suite",
         "digest_mismatch"),
        ({"evidence": {"suite": "a" * 64}}, {}, "evidence.suite", "digest_mismatch"),
        ({"evidence": {"scorers": {"toxicity": "a" * 64}}}, {}, "evidence.scorers",
         "digest_mismatch"),
        ({"evidence": {"scorers": {"toxicity": "a" * 64}}},
         {"scorers": {"toxicity": "b" * 64}}, "evidence.scorers", "digest_mismatch"),
        ({"evidence": {"scorers": {"toxicity": "a" * 11}}},
         {"scorers": {"toxicity": "a" * 64}}, "evidence.scorers", "digest_mismatch"),
        ({}, {"attempts": [TRIED]}, "attempts", "unplanned_retry"),
        ({"attempts": 2}, {"attempts": [TRIED, TRIED]}, "attempts", "unplanned_retry"),
        ({}, {"committed": False}, "attempts", "unplanned_retry"),
    ],
)  # fmt: skip
def test_a_run_that_is_no_evidence_never_passes_however_good_its_numbers_are(
    asked: dict[str, Any], seen: dict[str, Any], rule: str, cause: str
) -> None:
    confidence = 1 - 0.05 / asked.get("attempts", 1)
    (verdict,) = judge(
        tried_before(metric(confidence=confidence), **seen), policy(limit(), **asked)
    )
    gap, passed = verdict.findings
    assert verdict.outcome == "inconclusive"
    assert (gap.rule, gap.cause, gap.severity, gap.kind) == (rule, cause, "block", "evidence")
    assert gap.outcome == "inconclusive"
    assert gap.message
    assert passed.outcome == "pass"


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ({"evidence": {"identity": ["weights", "corpus"]}}, {"identities": {"g": "corpus"}}),
        ({"evidence": {"prompts": 2}}, {"prompts": [{}, {}]}),
        ({"evidence": {"suite": "a" * 64}}, {"suite": "a" * 64}),
        ({"evidence": {"scorers": {"toxicity": "a" * 12}}},
         {"scorers": {"toxicity": "a" * 64}}),
        ({"attempts": 2}, {"attempts": [TRIED]}),
        ({}, {"attempts": [replace(TRIED, subject="6" * 64)]}),
        ({}, {"attempts": [replace(TRIED, outcome="inconclusive")]}),
    ],
)  # fmt: skip
def test_a_run_that_is_what_was_asked_for_has_no_gap(
    asked: dict[str, Any], seen: dict[str, Any]
) -> None:
    confidence = 1 - 0.05 / asked.get("attempts", 1)
    found = findings(
        tried_before(metric(confidence=confidence), **seen), policy(limit(), **asked)
    )
    assert [one.outcome for one in found] == ["pass"]


def test_an_earlier_fail_is_named_with_its_run_and_seed() -> None:
    gap = findings(tried_before(attempts=[TRIED]), policy(limit()))[0]
    assert "old (seed 7)" in gap.message
    assert "1 attempt was planned" in gap.message


def test_a_fail_outweighs_a_gap() -> None:
    bad = metric(low=0.06, value=0.1, high=0.2)
    (verdict,) = judge(evidence(bad, committed=False), policy(limit()))
    assert verdict.outcome == "fail"


def test_a_rule_that_does_not_apply_says_why_and_decides_nothing() -> None:
    rules = policy(limit("a"), limit("b", value=0.001), not_applicable={"b": "no such users"})
    (verdict,) = judge(evidence(), rules)
    assert verdict.outcome == "pass"
    assert [(f.rule, f.outcome) for f in verdict.findings] == [
        ("a", "pass"), ("b", "not_applicable"),
    ]  # fmt: skip
    assert verdict.findings[1].message == "no such users"
