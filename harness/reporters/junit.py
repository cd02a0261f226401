"""The verdict as JUnit XML, so that any CI server shows which rule held a release back."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from harness.records import Finding, RunView, Verdict
from harness.reporters.decision import sentence
from harness.reporters.visible import visible
from harness.reporters.wording import (
    WORD,
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
    so it never looks green. Rules that only warn or observe are skipped with
    their message when they do not pass. An outcome that is not a pass always
    leaves at least one failure or error, even without findings.
    """

    filename = "junit.xml"

    def render(self, run: RunView) -> bytes:
        """Render the verdicts as JUnit XML."""
        root = ET.Element("testsuites", name=visible(named(run.suite, run.run_id)))
        for verdict in run.verdicts:
            root.append(_suite(verdict))
        if not run.verdicts or (run.outcome != "pass" and not _red(root)):
            whole = ET.SubElement(root, "testsuite", name="run")
            case = ET.SubElement(whole, "testcase", classname="run", name="verdict")
            _note(case, "error", WORD[run.outcome], sentence(run))
            _count(whole)
        _count(root)
        ET.indent(root)
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(verdict: Verdict) -> ET.Element:
    name = visible(f"{verdict.generator}.{verdict.strategy}")
    suite = ET.Element("testsuite", name=name)
    for finding in verdict.findings:
        place = "" if everything(finding.slice) else f" [{finding.slice}]"
        case = ET.SubElement(
            suite, "testcase", classname=name, name=visible(f"{finding.rule}{place}")
        )
        _tell(case, finding)
    if verdict.outcome != "pass" and not _red(suite):
        case = ET.SubElement(suite, "testcase", classname=name, name="verdict")
        tag = "failure" if verdict.outcome == "fail" else "error"
        _note(case, tag, WORD[verdict.outcome], "The arm as a whole did not pass.")
    _count(suite)
    return suite


def _tell(case: ET.Element, finding: Finding) -> None:
    if finding.outcome == "pass":
        return
    short = f"{WORD[finding.outcome]}: {requirement(finding)} ({finding.cause})"
    stops = finding.severity in ("legal", "block")
    if stops and finding.outcome == "fail":
        _note(case, "failure", short, _detail(finding))
    elif stops and finding.outcome == "inconclusive":
        _note(case, "error", short, _detail(finding))
    else:
        _note(case, "skipped", f"{finding.severity}: {short}", _detail(finding))


def _detail(finding: Finding) -> str:
    lines = [
        told(finding),
        f"value {number(finding.value)} {interval(finding.low, finding.high)}",
        f"n {finding.n}, missing {finding.missing}, prompts {finding.clusters}",
        "" if finding.needed is None else f"about {finding.needed} prompts would decide it",
        f"why: {finding.why}" if finding.why else "",
    ]
    return "\n".join(line for line in lines if line)


def _note(case: ET.Element, tag: str, message: str, text: str) -> None:
    ET.SubElement(case, tag, message=visible(message)).text = visible(text)


def _red(tree: ET.Element) -> bool:
    return tree.find(".//failure") is not None or tree.find(".//error") is not None


def _count(tree: ET.Element) -> None:
    tree.set("tests", str(sum(1 for _ in tree.iter("testcase"))))
    for attribute, tag in _COUNTED.items():
        tree.set(attribute, str(sum(1 for _ in tree.iter(tag))))
