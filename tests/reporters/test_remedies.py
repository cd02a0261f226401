"""What to do fits what stands in the way, and promises nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.records import Finding
from harness.reporters.findings import Row, RuleRows
from harness.reporters.remedies import remedies

Make = Callable[..., Finding]
BLANK: dict[str, Any] = {"value": None, "low": None, "high": None, "op": "", "n": 0}


def _of(*findings: Finding) -> list[str]:
    return remedies(RuleRows(tuple(Row("every arm", one) for one in findings), ""))


@pytest.mark.parametrize(
    ("kind", "cause", "step"),
    [
        ("require", "missing_metric", "add a scorer that measures m, or correct the rule's"),
        ("compare", "missing_metric", "bring a run to compare with that measures m too"),
        ("document", "missing_metric", "write it, have it signed, and judge again"),
        ("document", "stale", "renew it and have it signed again"),
        ("evidence", "digest_mismatch", "judge a run of what the policy's `evidence` names"),
        ("evidence", "insufficient_n", "run a suite with at least as many prompts"),
        ("evidence", "unplanned_retry", "change the model, or plan its `attempts`"),
    ],
)
def test_each_gap_has_its_remedy(make_finding: Make, kind: str, cause: str, step: str) -> None:
    found = make_finding(
        "r", "inconclusive", metric="m", kind=kind, cause=cause, message="said", **BLANK
    )

    told = _of(found)

    assert len(told) == 1
    assert told[0].startswith(f"For r: {step}")


def test_what_is_counted_is_completed_not_dropped(make_finding: Make) -> None:
    found = make_finding("r", "fail", kind="coverage", message="too few prompts, A.1: 4 of 9")

    assert _of(found) == ["Complete what r asks for: too few prompts, A.1: 4 of 9."]


def test_more_prompts_are_not_promised_to_decide_a_difference(make_finding: Make) -> None:
    near = make_finding(
        "r", "inconclusive", kind="compare", cause="insufficient_n", point="pass"
    )
    past = make_finding(
        "r", "inconclusive", kind="compare", cause="insufficient_n", point="fail"
    )

    assert "how many it takes cannot be said beforehand" in _of(near)[0]
    assert "no number of prompts would show a pass" in _of(past)[0]
