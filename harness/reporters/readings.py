"""The two readings of a finding, of its estimate and of its bounds, and which decided."""

from __future__ import annotations

from harness.records import Finding, Outcome
from harness.reporters.wording import beside, interval, number

COUNTED = ("conform", "coverage", "document")


def held(finding: Finding, value: float | None) -> str:
    """Write a number as it stands to the limit; a difference above 0 with its sign."""
    if value is None or not finding.op:
        return number(value)
    mirrored = finding.op == "within" and value < 0
    text = beside(value, -finding.limit if mirrored else finding.limit)
    return f"+{text}" if finding.kind == "compare" and value > 0 else text


def bound_used(finding: Finding) -> tuple[str, str]:
    """Name the number that was held against the limit, and write it.

    A `<=` rule passes on its upper bound and fails on its lower one: it is
    broken only when even the most favourable bound is past the limit. Where
    the estimate decided and the bounds say otherwise, it is the bound.
    """
    if finding.value is None and finding.low is None and finding.high is None:
        return "", number(None)
    if finding.kind in COUNTED:
        return "counted", held(finding, finding.value)
    if finding.decided_by == "point" and not differ(finding):
        return "estimate", held(finding, finding.value)
    if finding.op in ("==", "within", ""):
        return "both bounds", interval(finding.low, finding.high)
    upper = finding.op in ("<=", "<")
    if upper == ((finding.bound or finding.outcome) == "fail"):
        return "lower bound", _bound(finding, finding.low, "−∞")
    return "upper bound", _bound(finding, finding.high, "∞")


def differ(finding: Finding) -> bool:
    """Whether the estimate and its bounds lead to different outcomes.

    An estimate that lacks scores or prompts says nothing, so beside bounds that
    decide without it there is nothing to tell apart.
    """
    if finding.point == "inconclusive" and finding.decided_by == "bound":
        return False
    return None not in (finding.point, finding.bound) and finding.point != finding.bound


def parted(finding: Finding) -> str:
    """Say where two different readings lead and which decides; nothing where they agree."""
    if not differ(finding):
        return ""
    decides = "the estimate decides" if finding.decided_by == "point" else "the bounds decide"
    return f"estimate {finding.point}, bounds {finding.bound}: {decides}"


def before_waiver(finding: Finding) -> Outcome | None:
    """What a waived finding came to before it was excused, where that is known."""
    if finding.outcome != "waived":
        return None
    return finding.point if finding.decided_by == "point" else finding.bound


def counts(finding: Finding) -> bool:
    """Whether outputs were counted for it: not for documents, prompts or the run itself."""
    return bool(finding.n or finding.missing or finding.clusters) or (
        finding.kind not in ("coverage", "document", "evidence")
        and finding.outcome != "not_applicable"
    )


def _bound(finding: Finding, bound: float | None, unbounded: str) -> str:
    if bound is None and finding.value is not None:
        return unbounded
    return held(finding, bound)
