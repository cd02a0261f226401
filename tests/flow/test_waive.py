"""Waivers excuse what they say and nothing else, are shown, and never make a pass alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harness.errors import WaiverError
from harness.flow.evidence import Evidence, Signed
from harness.flow.judge import judge
from harness.flow.waive import excuses
from harness.records import Attempt, Finding, Metric, Verdict
from harness.spec.policy import PolicySpec
from tests.flow.synthetic import TODAY, Answers, evidence, limit, metric, policy, waiver

TRIED = Attempt(
    run_id="o", generator="g", seed=1, outcome="fail", entry="", strategy="s", subject="m"
)
KEY = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
"""The public key of RFC 8410, as `openssl pkey -pubout` writes it."""
BAD = {"low": 0.06, "value": 0.1, "high": 0.2}
RULES = policy(limit("ok", op=">=", value=0.0), limit())


def judged(
    *metrics: Metric, rules: PolicySpec = RULES, seen: dict[str, Any] | None = None, **one: Any
) -> Verdict:
    """The verdict of the only arm, with one waiver."""
    (verdict,) = judge(evidence(*metrics, **(seen or {})), rules, [waiver(**one)])
    return verdict


def last(verdict: Verdict) -> Finding:
    return verdict.findings[-1]


def test_a_waived_fail_is_shown_with_its_waiver_and_no_longer_blocks() -> None:
    verdict = judged(metric(**BAD))
    assert verdict.outcome == "pass"
    found = last(verdict)
    assert (found.outcome, found.cause, found.waiver) == ("waived", "waiver:w", "w")
    assert found.message.endswith("waived until 2026-12-01: known and mended next week")
    assert found.value == 0.1


@pytest.mark.parametrize(
    ("changes", "covers"),
    [
        (BAD, "fail"),
        ({"high": 0.06}, "insufficient_n"),
        ({"missing": 50}, "unscored"),
        ({"value": None}, "error"),
    ],
)
def test_a_waiver_covers_the_one_cause_it_names(changes: dict[str, Any], covers: str) -> None:
    for named in ("fail", "insufficient_n", "unscored", "missing_metric", "error"):
        outcome = last(judged(metric(**changes), covers=named)).outcome
        assert (outcome == "waived") == (named == covers)


OVER = {"low": 0.03, "value": 0.06, "high": 0.1}


def test_too_few_prompts_do_not_excuse_a_value_that_is_itself_past_the_limit() -> None:
    assert last(judged(metric(**OVER), covers="insufficient_n")).outcome == "inconclusive"
    assert last(judged(metric(**OVER), covers="fail")).outcome == "waived"
    assert judged(metric(**OVER), covers="fail").outcome == "pass"
    assert last(judged(metric(high=0.06), covers="fail")).outcome == "inconclusive"


def test_scores_that_are_missing_do_not_excuse_a_value_past_the_limit() -> None:
    for covers in ("unscored", "insufficient_n", "fail"):
        found = last(judged(metric(**OVER, missing=50), covers=covers))
        assert (found.outcome, found.cause) == ("inconclusive", "unscored")


def test_a_difference_past_its_margin_takes_a_waiver_of_a_fail() -> None:
    compare = {"metric": "toxicity.rate", "against": "champion", "margin": 0.02}
    rules = policy({"id": "r", "compare": compare})
    over = {"contrast": Answers(0.5, 0.47, 0.05)}
    within = {"contrast": Answers(0.5, 0.49, 0.05)}
    assert last(judged(metric(), rules=rules, seen=over, covers="insufficient_n")).waiver == ""
    assert last(judged(metric(), rules=rules, seen=over, covers="fail")).waiver == "w"
    assert (
        last(judged(metric(), rules=rules, seen=within, covers="insufficient_n")).waiver == "w"
    )


def idle(*metrics: Metric, rules: PolicySpec = RULES, **one: Any) -> str:
    """Why the waiver is not used."""
    granted = [waiver(**one)]
    (excuse,) = excuses(judge(evidence(*metrics), rules, granted), granted)
    assert excuse.used == 0
    return excuse.idle


@pytest.mark.parametrize(
    ("changes", "one", "said"),
    [
        (BAD, {"subject_digest": "cd" * 32}, "another model"),
        (BAD, {"slice": "lang=en"}, "it is for slice 'lang=en', and the rule speaks of all"),
        (BAD, {"strategy": "t"}, "strategy 't'"),
        (BAD, {"covers": "unscored"}, "it covers unscored, and the rule came to fail"),
        ({"missing": 50}, {}, "it covers fail, and the rule came to unscored"),
        (
            OVER,
            {"covers": "insufficient_n"},
            "0.06 is itself past the limit: it takes `covers: ",
        ),
        ({**OVER, "missing": 50}, {"covers": "unscored"}, "with unscored, none can"),
        ({}, {}, "the rule holds without it"),
    ],
)
def test_a_waiver_that_is_not_used_says_why(
    changes: dict[str, Any], one: dict[str, Any], said: str
) -> None:
    assert said in idle(metric(**changes), **one)


def test_of_two_waivers_for_one_finding_the_second_is_not_needed() -> None:
    granted = [waiver(), waiver(id="again")]
    verdicts = judge(evidence(metric(**BAD)), RULES, granted)
    first, second = excuses(verdicts, granted)
    assert (first.used, first.idle) == (1, "")
    assert (second.used, second.idle) == (0, "another waiver excuses it already")


def test_a_metric_that_is_missing_can_be_waived() -> None:
    rules = policy(limit("ok"), limit(metric="judge.rate"))
    assert judged(metric(), rules=rules, covers="missing_metric").outcome == "pass"
    assert judged(metric(), rules=rules, covers="error").outcome == "inconclusive"


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "ok"},
        {"slice": "lang=en"},
        {"strategy": "t"},
        {"subject_digest": "cd" * 32},
    ],
)
def test_another_rule_slice_strategy_or_model_is_not_excused(other: dict[str, Any]) -> None:
    verdict = judged(metric(**BAD), **other)
    assert verdict.outcome == "fail"
    (excuse,) = excuses([verdict], [waiver(**other)])
    assert excuse.used == 0


def test_a_slice_is_excused_by_its_label() -> None:
    rules = policy(limit(slices={"by": "lang", "family": "none"}))
    lines = [metric(), metric(slice="lang=en"), metric(slice="lang=zh", **BAD)]
    verdict = judged(*lines, rules=rules, slice="lang=zh")
    assert {f.slice: f.outcome for f in verdict.findings} == {
        "lang=en": "pass",
        "lang=zh": "waived",
    }
    assert verdict.outcome == "pass"


def test_a_waiver_for_all_of_a_model_counts_each_of_its_uses() -> None:
    lines = [metric(**BAD), metric(strategy="t", **BAD), metric(generator="h", **BAD)]
    granted = [waiver(), waiver(id="idle", slice="lang=en")]
    verdicts = judge(evidence(*lines), RULES, granted)
    assert [v.outcome for v in verdicts] == ["pass", "pass", "fail"]
    assert [(e.id, e.used) for e in excuses(verdicts, granted)] == [("w", 2), ("idle", 0)]


def test_an_excuse_says_who_asked_who_allowed_it_and_until_when() -> None:
    (excuse,) = excuses([], [waiver()])
    assert (excuse.requested_by, excuse.approved_by, excuse.ticket) == ("ann", "bob", "T-1")
    assert (excuse.expires, excuse.rule, excuse.used) == ("2026-12-01", "r", 0)


def test_a_run_with_nothing_but_waived_findings_has_not_passed() -> None:
    assert judged(metric(**BAD), rules=policy(limit())).outcome == "inconclusive"


def test_a_pass_is_not_made_into_a_waived_one() -> None:
    assert [f.outcome for f in judged(metric()).findings] == ["pass", "pass"]


# What no waiver can excuse.


def test_a_legal_rule_is_never_waived() -> None:
    with pytest.raises(WaiverError, match="legal") as caught:
        judged(metric(**BAD), rules=policy(limit(severity="legal")))
    assert caught.value.exit_code == 5
    assert "'w'" in caught.value.where


@pytest.mark.parametrize("covers", ["fail", "insufficient_n", "unscored", "error"])
@pytest.mark.parametrize(
    "seen",
    [
        {"committed": False},
        {"attempts": [TRIED], "arm_subjects": {("g", "s"): TRIED.subject}},
        {"prompts": []},
        {"suite": "b" * 64},
    ],
)
def test_what_makes_a_run_no_evidence_is_never_waived_though_a_rule_bear_its_name(
    seen: dict[str, Any], covers: str
) -> None:
    given: dict[str, Any] = {"prompts": [{}], "suite": "a" * 64, **seen}
    for name in ("attempts", "evidence.prompts", "evidence.suite"):
        rules = policy(limit(name), evidence={"prompts": 1, "suite": "a" * 64})
        verdict = judged(metric(), rules=rules, seen=given, rule=name, covers=covers)
        assert verdict.outcome == "inconclusive"
        assert "waived" not in {f.outcome for f in verdict.findings}


def test_a_comparison_of_unlike_things_is_never_waived() -> None:
    from harness.flow.evidence import Gap

    compare = {"id": "r", "compare": {"metric": "toxicity.rate", "against": "champion"}}
    seen = {"contrast": lambda _: Gap("digest_mismatch", "another suite")}
    for covers in ("fail", "insufficient_n", "unscored", "missing_metric", "error"):
        verdict = judged(metric(), rules=policy(compare), seen=seen, covers=covers)
        assert last(verdict).outcome == "inconclusive"


@pytest.mark.parametrize(
    "signed",
    [Signed("d" * 64, (), invalid=("ann",)), Signed("d" * 64, ("ann",))],
    ids=["an invalid signature", "a stale document"],
)
def test_integrity_of_a_document_is_never_waived(signed: Signed) -> None:
    asked = {
        "file": "log.md", "signed_by": {"ann": KEY}, "dated": "2026-01-01", "max_age_days": 9,
    }  # fmt: skip
    rules = policy({"id": "r", "document": asked})
    for covers in ("fail", "insufficient_n", "unscored", "missing_metric", "error"):
        seen = {"documents": {"log.md": signed}}
        assert last(judged(metric(), rules=rules, seen=seen, covers=covers)).waiver == ""


# Waivers that are wrong.


@pytest.mark.parametrize(
    ("today", "fine"),
    [
        (date(2026, 10, 31), False),
        (date(2026, 11, 1), True),
        (date(2026, 12, 1), True),
        (date(2026, 12, 2), False),
        (None, False),
    ],
)
def test_a_waiver_holds_from_its_first_day_to_its_last(today: date | None, fine: bool) -> None:
    if fine:
        assert judged(metric(**BAD), seen={"today": today}).outcome == "pass"
        return
    with pytest.raises(WaiverError, match="2026-11-01 to 2026-12-01") as caught:
        judged(metric(**BAD), seen={"today": today})
    assert caught.value.exit_code == 5
    assert caught.value.fix


def test_an_expired_waiver_is_an_error_even_where_nothing_needs_it() -> None:
    with pytest.raises(WaiverError):
        judged(metric(), expires="2026-11-24")


def test_a_waiver_for_a_rule_that_is_not_there_is_an_error() -> None:
    with pytest.raises(WaiverError, match="no rule 'q'") as caught:
        judged(metric(), rule="q")
    assert caught.value.exit_code == 5


def test_without_waivers_nothing_is_waived() -> None:
    seen: Evidence = evidence(metric(**BAD), today=TODAY)
    assert [v.outcome for v in judge(seen, RULES)] == ["fail"]
