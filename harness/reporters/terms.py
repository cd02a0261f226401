"""What the checked policy says of a rule that its findings do not: confidence, comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.metrics.anytime import confidence_of_each
from harness.records import Finding
from harness.reporters.wording import number

_DIGITS = 12
_NOTHING_ESTIMATED = ("conform", "coverage", "document")


@dataclass(frozen=True, slots=True)
class Terms:
    """One rule's confidence in writing, and its margin where that is a share of the other."""

    confidence: str = ""
    test: str = ""
    margin: float | None = None

    def origin(self, finding: Finding) -> str:
        """Say from what a comparison's number is taken: `difference from 1.05 × champion`.

        A relative margin is part of the number: it is `ours - (1 + margin) * theirs`.
        """
        if finding.kind != "compare" or finding.value is None:
            return ""
        against = _short(finding.against)
        if self.margin is None:
            return f"difference from {against}"
        allowed = -self.margin if self.test == "superior" else self.margin
        scale = 1.0 + (allowed if finding.op in ("<=", "<") else -allowed)
        return f"difference from {number(scale)} × {against}"


def terms(policy: Mapping[str, Any] | None) -> dict[str, Terms]:
    """Read each rule's terms from the policy as it was checked, as plain JSON values."""
    policy = policy or {}
    defaults = policy.get("defaults") or {}
    attempts = policy.get("attempts") or 1
    return {
        rule["id"]: _of_rule(
            rule, rule.get("confidence") or defaults.get("confidence"), attempts
        )
        for rule in policy.get("rules") or ()
    }


def _of_rule(rule: Mapping[str, Any], confidence: float | None, attempts: int) -> Terms:
    """Several planned attempts share the error that one may make."""
    if any(rule.get(kind) for kind in _NOTHING_ESTIMATED):
        return Terms()
    if confidence is not None:
        confidence = confidence_of_each(confidence, attempts)
    compare = rule.get("compare") or {}
    return Terms(
        confidence="" if confidence is None else number(confidence),
        test=str(compare.get("test") or ""),
        margin=compare.get("margin") if compare.get("relative") else None,
    )


def _short(against: str) -> str:
    """Cut a digest to the digits people compare."""
    kind, colon, name = against.partition(":")
    return f"{kind}{colon}{name[:_DIGITS]}" if kind == "anchor" else against
