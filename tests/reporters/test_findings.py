"""Findings are gathered by rule, the gravest first, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable

from harness.records import Finding, RunView, Verdict
from harness.reporters.findings import EVERY_ARM, applying, arm_names, arms, exempt, rules

Make = Callable[..., RunView]


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


def test_the_confidence_is_read_from_the_policy(make_run: Make) -> None:
    found = {rule.worst.finding.rule: rule for rule in rules(make_run("fail"))}

    assert found["fluency.band"].confidence == "0.9"
    assert found["toxicity.rate"].confidence == "0.95"


def test_arms_count_blocking_findings_apart_from_warnings(make_run: Make) -> None:
    nucleus = arms(make_run("fail"))[1]

    assert (nucleus.blocking["fail"], nucleus.blocking["inconclusive"]) == (1, 1)
    assert nucleus.warnings == 1


def test_arms_are_named_by_what_tells_them_apart() -> None:
    assert list(arm_names([("g", "b"), ("g", "a")]).values()) == ["b", "a"]
    assert list(arm_names([("g", "a"), ("h", "a")]).values()) == ["g", "h"]
    assert list(arm_names([("g", "a"), ("h", "b")]).values()) == ["g · a", "h · b"]


def _run(make_run: Make, *findings: Finding, arms: int = 2) -> RunView:
    return make_run(
        "fail",
        verdicts=tuple(
            Verdict(generator="g", strategy=f"s{i}", outcome="fail", findings=findings)
            for i in range(arms)
        ),
    )


def test_what_is_found_of_the_run_in_every_arm_is_one_row(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    document = make_finding("report.signed", "fail", kind="document", op="")
    (rule,) = rules(_run(make_run, document))

    assert [row.arm for row in rule.rows] == [EVERY_ARM]


def test_a_single_arm_keeps_its_name(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    document = make_finding("report.signed", "fail", kind="document", op="")
    (rule,) = rules(_run(make_run, document, arms=1))

    assert [row.arm for row in rule.rows] == ["g · s0"]


def test_equal_numbers_of_two_arms_stay_two_rows(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    (rule,) = rules(_run(make_run, make_finding()))

    assert [row.arm for row in rule.rows] == ["s0", "s1"]


def test_no_finding_is_lost_between_what_applies_and_what_does_not(
    make_complete: Make,
) -> None:
    run = make_complete()
    found = rules(run)

    shown = {row.finding for rule in applying(found) for row in rule.rows}
    every = {finding for verdict in run.verdicts for finding in verdict.findings}
    assert {f for f in every if f.outcome != "not_applicable"} == shown
    assert {f.rule for f in every - shown} == {one.rule for one in exempt(found)}


def test_what_does_not_apply_says_where_and_why(make_complete: Make) -> None:
    found = {one.rule: one for one in exempt(rules(make_complete()))}

    assert found["marking.survives"].reason == "The product makes text only."
    assert found["marking.survives"].places == (EVERY_ARM,)
    assert found["toxicity.equivalent"].places == ("greedy",)


def test_a_rule_says_what_it_asks_though_its_worst_finding_has_no_words(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    blank = make_finding("r", "inconclusive", kind="compare", op="within", slice="a=1")
    worded = make_finding("r", kind="compare", asked="m within 1 of champion", slice="a=2")
    (rule,) = rules(_run(make_run, blank, worded, arms=1))

    assert rule.worst.finding == blank
    assert rule.requirement == "m within 1 of champion"


def test_the_worst_equivalence_is_the_one_furthest_past_either_margin(
    make_run: Make, make_finding: Callable[..., Finding]
) -> None:
    findings = tuple(
        make_finding("r", "inconclusive", kind="compare", op="within", limit=1.0, low=low,
                     high=high, slice=f"a={low}")
        for low, high in ((-0.5, 1.2), (-3.0, 0.5), (0.2, 1.5))
    )  # fmt: skip

    assert rules(_run(make_run, *findings, arms=1))[0].worst.finding.low == -3.0
