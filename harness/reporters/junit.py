"""The verdict as JUnit XML, so that any CI server shows which rule held a release back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

from harness.records import Finding, RunView, Verdict
from harness.reporters.decision import sentence
from harness.reporters.excuses import used
from harness.reporters.findings import stops, waived
from harness.reporters.pace import words
from harness.reporters.readings import COUNTED, before_waiver, counts, parted
from harness.reporters.terms import Terms, terms
from harness.reporters.visible import visible
from harness.reporters.wording import (
    WORD,
    count,
    everything,
    interval,
    named,
    number,
    requirement,
    told,
)

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


class Junit:
    """Writes one suite per arm and one case per finding.

    A blocking rule that fails is a failure; one that is undecided is an error,
    so it never looks green. A finding that a waiver excuses is skipped, not
    passed: CI servers list skipped cases with their message and hide what a
    passed one prints, and a known failure that is excused is what test runners
    write as skipped too (pytest's `xfail`). Rules that do not apply are skipped
    with their reason, and so are those that only warn or observe when they do
    not pass. An outcome that is not a pass always leaves at least one failure or
    error, even without findings. Notices, waivers, earlier attempts and how far
    a sequential gate went are properties of each suite, and so is the verdict's
    sentence where a pass rests on waivers.
    """

    filename = "junit.xml"

    def render(self, run: RunView) -> bytes:
        """Render the verdicts as JUnit XML."""
        root = ET.Element("testsuites", name=visible(named(run.suite, run.run_id)))
        known = terms(run.policy)
        for verdict in run.verdicts:
            root.append(_suite(run, verdict, known))
        if not run.verdicts or (run.outcome != "pass" and not _red(root)):
            whole = ET.SubElement(root, "testsuite", name="run")
            case = ET.SubElement(whole, "testcase", classname="run", name="verdict")
            _note(case, "error", WORD[run.outcome], sentence(run))
            _count(whole)
        _count(root)
        ET.indent(root)
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(run: RunView, verdict: Verdict, known: Mapping[str, Terms]) -> ET.Element:
    name = visible(f"{verdict.generator}.{verdict.strategy}")
    suite = ET.Element("testsuite", name=name)
    _add_properties(suite, run, verdict)
    for finding in verdict.findings:
        place = "" if everything(finding.slice) else f" [{finding.slice}]"
        case = ET.SubElement(
            suite, "testcase", classname=name, name=visible(f"{finding.rule}{place}")
        )
        _tell(case, finding, known.get(finding.rule, Terms()).origin(finding))
    if verdict.outcome != "pass" and not _red(suite):
        case = ET.SubElement(suite, "testcase", classname=name, name="verdict")
        tag = "failure" if verdict.outcome == "fail" else "error"
        _note(case, tag, WORD[verdict.outcome], "The arm as a whole did not pass.")
    _count(suite)
    return suite


def _add_properties(suite: ET.Element, run: RunView, verdict: Verdict) -> None:
    found = list(_properties(run, verdict))
    if found:
        within = ET.SubElement(suite, "properties")
        for name, value in found:
            ET.SubElement(within, "property", name=name, value=visible(value))


def _properties(run: RunView, verdict: Verdict) -> Iterator[tuple[str, str]]:
    """What a reader must know of an arm beside its findings."""
    arm = (verdict.generator, verdict.strategy)
    if run.outcome == "pass" and waived(run):
        yield "verdict of the run", sentence(run)
    for notice in run.notices:
        yield "notice", notice
    for excuse in run.excuses:
        until = f"until {excuse.expires}, approved by {excuse.approved_by}, {excuse.ticket}"
        yield "waiver", f"{excuse.id} for {excuse.rule}: {used(excuse)}, {until}"
    for way in run.progressions:
        if (way.generator, way.strategy) == arm:
            yield "prompts", words(way)
    for attempt in run.attempts:
        yield "earlier attempt", f"{attempt.run_id}, seed {attempt.seed}: {attempt.outcome}"


def _tell(case: ET.Element, finding: Finding, origin: str) -> None:
    if finding.outcome == "pass":
        return
    short = f"{WORD[finding.outcome]}: {requirement(finding)} ({finding.cause})"
    detail = "\n".join(_detail(finding, origin))
    if stops(finding) and finding.outcome == "fail":
        _note(case, "failure", short, detail)
    elif stops(finding) and finding.outcome == "inconclusive":
        _note(case, "error", short, detail)
    else:
        _note(case, "skipped", f"{finding.severity}: {short}", detail)


def _detail(finding: Finding, origin: str) -> Iterator[str]:
    if told(finding):
        yield told(finding)
    was = before_waiver(finding)
    if was:
        yield f"without the waiver: {WORD[was].lower()}"
    if finding.value is not None:
        counted = finding.kind in COUNTED
        reach = "" if counted else f" {interval(finding.low, finding.high)}"
        yield f"{origin or 'value'} {number(finding.value)}{reach}"
    if parted(finding):
        yield parted(finding)
    if counts(finding):
        yield f"n {finding.n}, missing {finding.missing}, prompts {finding.clusters}"
    if finding.needed is not None:
        yield f"about {count(finding.needed, 'prompt')} would decide it"
    if finding.why:
        yield f"why: {finding.why}"


def _note(case: ET.Element, tag: str, message: str, text: str) -> None:
    ET.SubElement(case, tag, message=visible(message)).text = visible(text)


def _red(tree: ET.Element) -> bool:
    return tree.find(".//failure") is not None or tree.find(".//error") is not None


def _count(tree: ET.Element) -> None:
    """Set the counts, and a time on each: readers of these files show NaN without one."""
    for part in tree.iter():
        if part.tag in ("testsuites", "testsuite", "testcase"):
            part.set("time", "0")
    tree.set("tests", str(sum(1 for _ in tree.iter("testcase"))))
    for attribute, tag in _COUNTED.items():
        tree.set(attribute, str(sum(1 for _ in tree.iter(tag))))
