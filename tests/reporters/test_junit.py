"""A CI server shows green for a pass and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from harness.records import Finding, RunView, Verdict
from harness.reporters.junit import Junit

Make = Callable[..., RunView]
MakeFinding = Callable[..., Finding]


def _root(run: RunView) -> ET.Element:
    return ET.fromstring(Junit().render(run))  # noqa: S314 - our own output


def _red(root: ET.Element) -> int:
    return int(root.get("failures", "")) + int(root.get("errors", ""))


@pytest.mark.parametrize("outcome", [None, "fail", "inconclusive", "waived", "not_applicable"])
def test_whatever_is_not_a_pass_is_red(make_run: Make, outcome: str | None) -> None:
    assert _red(_root(make_run(outcome))) > 0


def test_a_pass_is_green_with_one_case_per_finding(make_run: Make) -> None:
    run = make_run("pass")
    root = _root(run)

    assert _red(root) == 0
    assert len(root.findall("testsuite")) == len(run.verdicts)
    assert len(root.findall(".//testcase")) == sum(len(v.findings) for v in run.verdicts)


@pytest.mark.parametrize("outcome", ["pass", "inconclusive", "fail"])
def test_a_run_without_verdicts_is_red_whatever_it_says(make_run: Make, outcome: str) -> None:
    assert _red(_root(make_run(outcome, verdicts=()))) == 1


@pytest.mark.parametrize("outcome", ["fail", "inconclusive"])
def test_an_arm_without_findings_that_did_not_pass_is_red(make_run: Make, outcome: str) -> None:
    verdict = Verdict(generator="g", strategy="s", outcome=outcome, findings=())  # type: ignore[arg-type]

    assert _red(_root(make_run(outcome, verdicts=(verdict,)))) == 1


def test_a_run_that_did_not_pass_is_red_though_every_arm_did(make_run: Make) -> None:
    passing = make_run("pass").verdicts

    assert _red(_root(make_run("fail", verdicts=passing))) == 1


@pytest.mark.parametrize("severity", ["legal", "block"])
@pytest.mark.parametrize(("outcome", "tag"), [("fail", "failure"), ("inconclusive", "error")])
def test_blocking_findings_are_failures_and_errors(
    make_run: Make, make_finding: MakeFinding, severity: str, outcome: str, tag: str
) -> None:
    found = make_finding(outcome=outcome, severity=severity, needed=1240)
    verdict = Verdict(generator="g", strategy="s", outcome=found.outcome, findings=(found,))
    case = _root(make_run(outcome, verdicts=(verdict,))).find(".//testcase")

    assert case is not None
    assert [child.tag for child in case] == [tag]
    assert "1,240 prompts" in (case[0].text or "")


@pytest.mark.parametrize("severity", ["warn", "observe"])
@pytest.mark.parametrize("outcome", ["fail", "inconclusive", "waived"])
def test_warnings_are_shown_and_never_red(
    make_run: Make, make_finding: MakeFinding, severity: str, outcome: str
) -> None:
    found = make_finding(outcome=outcome, severity=severity)
    verdict = Verdict(
        generator="g", strategy="s", outcome="pass", findings=(make_finding(), found)
    )
    root = _root(make_run("pass", verdicts=(verdict,)))

    assert _red(root) == 0
    assert root.get("skipped") == "1"


def test_a_slice_is_part_of_the_name(make_run: Make) -> None:
    names = [case.get("name") for case in _root(make_run()).iter("testcase")]

    assert names[:2] == ["toxicity.rate", "toxicity.rate [lang=en]"]


def test_hostile_text_stays_valid_xml_and_visible(hostile_run: RunView) -> None:
    text = Junit().render(hostile_run).decode("utf-8")

    assert len(_root(hostile_run).findall(".//failure")) == len(hostile_run.verdicts)
    assert "\\u{202e}" in text
    assert "␛" in text
    assert "\u202e" not in text


def test_counts_agree_with_the_cases(make_run: Make) -> None:
    root = _root(make_run("fail"))

    for suite in (root, *root.findall("testsuite")):
        assert int(suite.get("tests", "")) == len(list(suite.iter("testcase")))
        assert int(suite.get("failures", "")) == len(list(suite.iter("failure")))
        assert int(suite.get("errors", "")) == len(list(suite.iter("error")))


def test_each_part_has_what_readers_of_these_files_ask_of_it(make_run: Make) -> None:
    root = _root(make_run("fail"))

    cases = list(root.iter("testcase"))
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    parts = [root, *root.iter("testsuite"), *cases]
    assert {part.get("time") for part in parts} == {"0"}
    assert all(part.get("name") for part in parts)
    assert all(case.get("classname") for case in cases)
    for note in [*root.iter("failure"), *root.iter("error")]:
        assert note.get("message")
        assert note.text


def test_the_same_run_gives_the_same_bytes(make_run: Make) -> None:
    assert Junit().render(make_run("fail")) == Junit().render(make_run("fail"))


def test_a_waived_finding_is_skipped_with_who_excuses_it_and_never_looks_passed(
    make_complete: Make,
) -> None:
    root = _root(make_complete("pass"))
    skipped = root.findall("testsuite[2]/testcase[@name='latency.kept']/skipped")

    assert _red(root) == 0
    assert [case.get("message") for case in skipped] == [
        "block: Waived: latency.seconds_p95 ≤ 2 (waiver:W-7)"
    ]
    assert (skipped[0].text or "").startswith("waived until 2026-12-20: the fix is in review")
    assert "without the waiver: fail" in (skipped[0].text or "")


def test_a_rule_that_does_not_apply_is_skipped_with_its_reason(make_complete: Make) -> None:
    root = _root(make_complete())
    case = root.find("testsuite/testcase[@name='marking.survives']/skipped")

    assert case is not None
    assert case.text == "The product makes text only."


def test_a_difference_says_from_what_and_two_readings_which_decides(
    make_complete: Make,
) -> None:
    suite = _root(make_complete()).findall("testsuite")[1]
    compared = suite.find("testcase[@name='fluency.no_regression']/failure")
    apart = suite.find("testcase[@name='toxicity.equivalent']/skipped")

    assert compared is not None
    assert apart is not None
    assert "difference from 1.05 × champion 0.71 [0.12, 1.3]" in (compared.text or "")
    assert "estimate pass, bounds inconclusive: the bounds decide" in (apart.text or "")


def test_a_pass_on_waivers_says_so_in_every_suite(make_run: Make, make_complete: Make) -> None:
    name = "testsuite/properties/property[@name='verdict of the run']"
    told = [found.get("value") or "" for found in _root(make_complete("pass")).findall(name)]

    assert len(told) == 3
    assert told[0].startswith("This pass rests on a waiver: W-7 excuses 2 blocking findings.")
    assert _root(make_complete("fail")).find(name) is None
    assert _root(make_run("pass")).find(name) is None


def test_what_was_counted_has_no_interval(make_complete: Make) -> None:
    case = _root(make_complete()).find("testsuite/testcase[@name='bank.covered']/skipped")

    assert case is not None
    assert (case.text or "").endswith("\nvalue 1,980")


def test_what_stands_beside_the_findings_is_a_property_of_the_suite(
    make_complete: Make,
) -> None:
    suite = _root(make_complete()).findall("testsuite")[0]
    found = [(p.get("name"), p.get("value")) for p in suite.findall("properties/property")]

    assert suite[0].tag == "properties"
    assert [name for name, _ in found] == [
        "notice", "notice", "waiver", "waiver", "prompts", "earlier attempt", "earlier attempt",
    ]  # fmt: skip
    assert found[3][1] == (
        "W-9 for toxicity.rate: not used, until 2026-11-25, approved by Maria Olsen, SAFE-398"
    )
    assert found[5][1] == "text-release-81c2d0aa13, seed 3: fail"
