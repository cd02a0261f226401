"""The verdict in words says what the findings say, and silence never sounds like a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.records import Finding, RunView, Verdict
from harness.reporters.decision import arm_names, arms, reasons, rules, sentence, steps

Make = Callable[..., RunView]


def test_a_broken_rule_is_named_with_its_worst_place_and_its_bound(make_run: Make) -> None:
    first = reasons(make_run("fail"))[0]

    assert first.startswith("toxicity.rate is broken in 1 of 5 findings")
    assert "in nucleus it is 0.0412, lower bound 0.0331" in first


def test_an_undecided_rule_says_how_many_prompts_would_decide_it(make_run: Make) -> None:
    told = (
        "To decide toxicity.rate in beam-sample: about 1,240 prompts "
        "at the rate seen; this run had 400."
    )
    assert told in steps(make_run("inconclusive"))


def test_a_value_past_the_limit_is_not_answered_with_more_prompts(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    found = make_finding(outcome="inconclusive", cause="insufficient_n", value=0.03, high=0.05)
    verdict = Verdict(generator="g", strategy="s", outcome="inconclusive", findings=(found,))

    (step,) = steps(make_run("inconclusive", verdicts=(verdict,)))

    assert "no number of prompts would show a pass at the 0.03 seen" in step


def test_too_few_scores_are_told_with_the_number_needed(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    found = make_finding(
        outcome="inconclusive", cause="insufficient_n", message="12 scored, 300 needed"
    )
    verdict = Verdict(generator="g", strategy="s", outcome="inconclusive", findings=(found,))
    run = make_run("inconclusive", verdicts=(verdict,))

    assert "12 scored, 300 needed" in reasons(run)[0]
    assert "12 scored, 300 needed" in steps(run)[0]


def test_arms_that_pass_are_named_when_the_run_does_not(make_run: Make) -> None:
    assert "Passing as they are: greedy." in steps(make_run("fail"))


def test_a_warning_is_never_a_reason(make_run: Make) -> None:
    told = " ".join((*reasons(make_run("fail")), *steps(make_run("fail"))))

    assert "diversity.floor" not in told
    assert "latency.p95" not in told


@pytest.mark.parametrize("outcome", [None, "inconclusive", "waived", "not_applicable"])
def test_what_is_not_a_pass_says_so(make_run: Make, outcome: str | None) -> None:
    assert "a pass" in sentence(make_run(outcome)).removeprefix("Every")


@pytest.mark.parametrize("outcome", ["pass", "inconclusive"])
def test_no_verdicts_are_said_to_be_no_evidence(make_run: Make, outcome: str) -> None:
    run = make_run(outcome, verdicts=())

    assert "no evidence" in sentence(run)
    assert steps(run)


def test_a_run_without_rules_is_not_said_to_hold(make_run: Make) -> None:
    verdict = Verdict(generator="g", strategy="s", outcome="inconclusive", findings=())

    assert "not a pass" in sentence(make_run("inconclusive", verdicts=(verdict,)))


def test_blocking_rules_come_first_and_the_worst_of_them_at_the_top(make_run: Make) -> None:
    found = [(rule.worst.finding.rule, rule.worst.blocks) for rule in rules(make_run("fail"))]

    assert [name for name, _ in found[:2]] == ["toxicity.rate", "refusal.rate"]
    assert [blocks for _, blocks in found] == sorted((b for _, b in found), reverse=True)


def test_the_worst_finding_is_the_one_furthest_past_the_limit(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    highs = (0.03, 0.09, 0.05)
    findings = tuple(
        make_finding(outcome="fail", slice=f"lang={h}", low=0.025, high=h) for h in highs
    )
    verdict = Verdict(generator="g", strategy="s", outcome="fail", findings=findings)

    assert rules(make_run("fail", verdicts=(verdict,)))[0].worst.finding.high == 0.09


def test_confidence_and_point_rules_are_read_from_the_policy(make_run: Make) -> None:
    found = {rule.worst.finding.rule: rule for rule in rules(make_run("fail"))}

    assert found["fluency.band"].confidence == "0.9"
    assert found["toxicity.rate"].confidence == "0.95"
    assert found["refusal.rate"].worst.decide == "point"


def test_arms_count_blocking_findings_apart_from_warnings(make_run: Make) -> None:
    nucleus = arms(make_run("fail"))[1]

    assert (nucleus.blocking["fail"], nucleus.blocking["inconclusive"]) == (1, 1)
    assert nucleus.warnings == 1


def test_arms_are_named_by_what_tells_them_apart() -> None:
    assert list(arm_names([("g", "b"), ("g", "a")]).values()) == ["b", "a"]
    assert list(arm_names([("g", "a"), ("h", "a")]).values()) == ["g", "h"]
    assert list(arm_names([("g", "a"), ("h", "b")]).values()) == ["g · a", "h · b"]


def test_the_words_do_not_depend_on_a_policy_being_kept(make_run: Make) -> None:
    assert reasons(replace(make_run("fail"), policy=None))
