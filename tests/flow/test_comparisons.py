"""Comparisons: what each asks, in the direction that is good, and of whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.flow.evidence import Difference, Gap, Question
from harness.flow.judge import judge
from harness.records import Finding, Metric
from tests.flow.synthetic import Answers, evidence, finding, findings, limit, metric, policy


def rule(**compare: Any) -> dict[str, Any]:
    return {"id": "r", "compare": {"metric": "q.x", "against": "champion", **compare}}


def own(better: str = "lower", **changes: Any) -> Metric:
    return metric(name="q.x", better=better, **changes)


def compared(ours: float, theirs: float, better: str = "lower", **compare: Any) -> Finding:
    """The finding of a comparison whose difference is known exactly."""
    seen = evidence(own(better), contrast=Answers(ours, theirs))
    return finding(seen, policy(rule(**compare)))


@pytest.mark.parametrize(
    ("test", "margin", "relative", "better", "edge"),
    [
        ("noninferior", 0.5, False, "lower", 2.5),
        ("noninferior", 0.5, False, "higher", 1.5),
        ("noninferior", 0.25, True, "lower", 2.5),
        ("noninferior", 0.25, True, "higher", 1.5),
        ("noninferior", 0.0, False, "lower", 2.0),
        ("noninferior", 0.0, True, "higher", 2.0),
        ("noninferior", 2.0, True, "lower", 6.0),
        ("noninferior", -0.5, True, "lower", 1.0),
        ("noninferior", -0.5, True, "higher", 3.0),
        ("superior", 0.5, False, "lower", 1.5),
        ("superior", 0.5, False, "higher", 2.5),
        ("superior", 0.25, True, "lower", 1.5),
        ("superior", 0.25, True, "higher", 2.5),
        ("superior", 0.0, False, "lower", 2.0),
        ("superior", 0.0, True, "higher", 2.0),
    ],
)
def test_one_sided_comparisons_turn_at_their_margin(
    test: str, margin: float, relative: bool, better: str, edge: float
) -> None:
    ask = {"test": test, "margin": margin, "relative": relative}
    good = -1 if better == "lower" else 1

    assert compared(edge + 0.25 * good, 2.0, better, **ask).outcome == "pass"
    assert compared(edge - 0.25 * good, 2.0, better, **ask).outcome == "fail"
    at_the_edge = "fail" if test == "superior" else "pass"
    assert compared(edge, 2.0, better, **ask).outcome == at_the_edge


def test_equal_is_not_better() -> None:
    assert compared(2.0, 2.0, test="superior").outcome == "fail"
    assert compared(2.0, 2.0, test="noninferior").outcome == "pass"


@pytest.mark.parametrize("better", ["lower", "higher", "neither"])
@pytest.mark.parametrize("relative", [False, True])
def test_equivalence_has_two_sides_and_needs_no_direction(better: str, relative: bool) -> None:
    ask = {"test": "equivalent", "margin": 0.25 if relative else 0.5, "relative": relative}
    outcomes = {
        ours: compared(ours, 2.0, better, **ask).outcome for ours in (1.25, 1.5, 2.0, 2.5, 2.75)
    }
    assert outcomes == {1.25: "fail", 1.5: "pass", 2.0: "pass", 2.5: "pass", 2.75: "fail"}


def test_an_interval_across_the_margin_is_inconclusive() -> None:
    seen = evidence(own(), contrast=Answers(2.4, 2.0, width=0.2))
    found = finding(seen, policy(rule(margin=0.5)))
    assert (found.outcome, found.cause) == ("inconclusive", "insufficient_n")


def test_a_direction_is_needed_to_be_worse_or_better() -> None:
    for test in ("noninferior", "superior"):
        found = compared(1.0, 2.0, "neither", test=test)
        assert (found.outcome, found.cause) == ("inconclusive", "error")
        assert "equivalent" in found.message


def test_a_margin_that_leaves_nothing_to_compare_with_is_an_error_and_no_pass() -> None:
    for margin in (1.0, 1.5):
        found = compared(0.0, 2.0, "higher", margin=margin, relative=True)
        assert (found.outcome, found.cause) == ("inconclusive", "error")
        found = compared(0.0, 2.0, "lower", test="superior", margin=margin, relative=True)
        assert (found.outcome, found.cause) == ("inconclusive", "error")


@pytest.mark.parametrize("theirs", [-1.0, None])
def test_a_share_of_a_negative_or_unknown_value_is_an_error(theirs: float | None) -> None:
    def answer(question: Question) -> Difference | Gap:
        return Difference(own(value=-9.0, low=-9.0, high=-9.0), theirs)

    seen = evidence(own(), contrast=answer)
    assert finding(seen, policy(rule(margin=0.1, relative=True))).cause == "error"
    assert finding(seen, policy(rule(margin=0.1))).outcome == "pass"


@pytest.mark.parametrize(
    ("compare", "better", "words"),
    [
        ({"margin": 0.5}, "lower", "not worse than champion by more than 0.5"),
        ({"margin": 0.05, "relative": True}, "lower",
         "not worse than champion by more than 5.0%"),
        ({"margin": -0.5, "relative": True}, "lower", "at most 0.5 x that of champion"),
        ({"margin": -0.5, "relative": True}, "higher", "at least 1.5 x that of champion"),
        ({"test": "superior", "margin": 0.1}, "lower", "better than champion by more than 0.1"),
        ({"test": "equivalent", "margin": 0.1}, "lower", "within 0.1 of champion"),
    ],
)  # fmt: skip
def test_a_comparison_says_in_words_what_it_asks(
    compare: dict[str, Any], better: str, words: str
) -> None:
    found = compared(2.0, 2.0, better, **compare)
    assert found.asked == f"q.x {words}"
    assert (found.kind, found.against) == ("compare", "champion")


def test_the_question_carries_all_that_the_rule_says() -> None:
    answers = Answers(1.0, 2.0)
    compare = {
        **rule(margin=0.25, relative=True, paired=False), "confidence": 0.99,
        "slices": {"by": "lang"},
    }  # fmt: skip
    lines = [own(confidence=0.99), own(confidence=0.99, slice="lang=en")]
    findings(evidence(*lines, contrast=answers), policy(compare))
    assert answers.asked == [
        Question(
            arm=("g", "s"), against="champion", metric="q.x", slice="lang=en", scale=1.25,
            confidence=0.99, paired=False,
        )
    ]  # fmt: skip


# Whom a comparison is with.


def test_a_baseline_nobody_knows_of_is_inconclusive() -> None:
    found = finding(evidence(own()), policy(rule()))
    assert (found.outcome, found.cause) == ("inconclusive", "missing_metric")
    found = finding(evidence(own()), policy(rule(if_absent="this is the first model")))
    assert found.outcome == "inconclusive"


def test_a_champion_known_not_to_exist_excuses_only_a_rule_that_says_why() -> None:
    seen = evidence(own(), absent=frozenset({"champion"}))
    assert finding(seen, policy(rule())).outcome == "inconclusive"
    found = finding(seen, policy(rule(if_absent="this is the first model")))
    assert (found.outcome, found.cause) == ("not_applicable", "not_applicable")
    assert found.message == "there is no champion yet: this is the first model"


def test_a_run_whose_only_rule_does_not_apply_has_not_passed() -> None:
    seen = evidence(own(), absent=frozenset({"champion"}))
    (verdict,) = judge(seen, policy(rule(if_absent="this is the first model")))
    assert verdict.outcome == "inconclusive"


def test_a_gap_keeps_its_cause() -> None:
    seen = evidence(own(), contrast=lambda _: Gap("digest_mismatch", "another suite"))
    found = finding(seen, policy(rule()))
    assert (found.outcome, found.cause) == ("inconclusive", "digest_mismatch")
    assert found.message == "another suite"


@pytest.mark.parametrize("against", ["strategy:s", "generator:g"])
def test_nothing_is_compared_with_itself(against: str) -> None:
    metrics = [own(), own(generator="h", strategy="t")]
    answers = Answers(1.0, 2.0)
    rules = policy(limit("a", metric="q.x"), rule(against=against))
    verdicts = judge(evidence(*metrics, contrast=answers), rules)
    assert [v.findings[1].outcome for v in verdicts] == ["not_applicable", "pass"]
    assert [question.arm for question in answers.asked] == [("h", "t")]


def test_a_metric_that_was_not_measured_is_not_compared() -> None:
    answers = Answers(1.0, 2.0)
    found = finding(evidence(metric(), contrast=answers), policy(rule()))
    assert (found.outcome, found.cause) == ("inconclusive", "missing_metric")
    assert answers.asked == []


def test_among_many_slices_a_fail_must_hold_at_the_stricter_confidence() -> None:
    """Holm asks the difference again, at each confidence it needs."""

    def answer(question: Question) -> Difference | Gap:
        width = 0.1 if question.confidence <= 0.95 else 0.6
        near = metric(
            name="q.x", slice=question.slice, value=0.5, low=0.5 - width, high=0.5 + width
        )
        good = replace(near, value=-1.0, low=-1.1, high=-0.9)
        return Difference(near if question.slice == "lang=zh" else good, 1.0)

    lines = [own(), own(slice="lang=en"), own(slice="lang=zh")]
    seen = evidence(*lines, contrast=answer)
    found = findings(seen, policy({**rule(), "slices": {"by": "lang"}}))
    assert [(f.slice, f.outcome) for f in found] == [
        ("lang=en", "pass"), ("lang=zh", "inconclusive"),
    ]  # fmt: skip
    plain = {**rule(), "slices": {"by": "lang", "family": "none"}}
    assert [f.outcome for f in findings(seen, policy(plain))] == ["pass", "fail"]
