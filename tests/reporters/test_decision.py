"""The verdict in words says what the findings say, and silence never sounds like a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.records import Finding, RunView, Verdict
from harness.reporters.decision import reasons, sentence, steps

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


def test_the_words_do_not_depend_on_a_policy_being_kept(make_run: Make) -> None:
    assert reasons(replace(make_run("fail"), policy=None))


def _run(make_run: Make, *findings: Finding) -> RunView:
    verdict = Verdict(generator="g", strategy="s", outcome="fail", findings=findings)
    return make_run("fail", verdicts=(verdict,), excuses=())


def test_a_pass_that_rests_on_waivers_says_so_and_what_ends_when(make_complete: Make) -> None:
    run = make_complete("pass")

    assert sentence(run).startswith(
        "This pass rests on a waiver: W-7 excuses 2 blocking findings."
    )
    assert "Every blocking rule holds" not in sentence(run)
    assert "Mend latency.kept before waiver W-7 ends on 2026-12-20." in steps(run)
    assert "Take waiver W-9 away: nothing in this run needs it." in steps(run)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (("b", "a"), "2 waivers: a and b excuse 2 blocking findings."),
        (("c", "b", "a"), "3 waivers: a, b and c excuse 3 blocking findings."),
        (tuple("abcd"), "4 waivers, which excuse 4 blocking findings."),
    ],
)
def test_several_waivers_are_named_while_they_are_few(
    make_run: Make, make_finding: Callable[..., Finding], ids: tuple[str, ...], told: str
) -> None:
    findings = (make_finding(), *(make_finding(outcome="waived", waiver=one) for one in ids))
    run = replace(_run(make_run, *findings), outcome="pass")

    assert told in sentence(run)


def test_a_waived_warning_is_nothing_a_pass_rests_on(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    waived = make_finding(outcome="waived", waiver="W", severity="warn")
    run = replace(_run(make_run, make_finding(), waived), outcome="pass")

    assert sentence(run) == "Every blocking rule holds in every arm."


def test_a_warning_of_the_run_itself_is_counted_once(make_complete: Make) -> None:
    assert sentence(make_complete("pass")).endswith("4 warnings to read.")


def test_a_comparison_says_its_words_and_what_the_number_is_from(make_complete: Make) -> None:
    assert reasons(make_complete()) == (
        "fluency.no_regression is broken in 1 of 3 findings: it asks for fluency.perplexity "
        "not worse than champion by more than 5.0%; in nucleus the difference from "
        "1.05 × champion is +0.71, lower bound +0.12.",
    )


def test_what_keeps_a_run_from_being_evidence_is_said_in_its_own_words(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    found = make_finding(
        "attempts", "inconclusive", kind="evidence", asked="attempts", op="", value=None,
        low=None, high=None, cause="unplanned_retry", message="the same model failed before",
    )  # fmt: skip

    assert reasons(_run(make_run, found)) == (
        "attempts, in g · s: the same model failed before.",
    )


def test_an_aside_of_a_message_does_not_hide_the_numbers(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    said = "toxicity.any_rate <= 0.02: 95 % bounds 0.0331 to 0.05; not so (Holm)"
    found = make_finding(outcome="inconclusive", value=0.04, high=0.05, message=said)

    (reason,) = reasons(_run(make_run, found))
    assert reason.endswith("it is 0.04, upper bound 0.05 (not so (Holm)).")
