"""How numbers, requirements and outcomes are written, the same in every format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.records import Finding

SIGN = {"<=": "≤", ">=": "≥", "==": "="}
SYMBOL = {
    "pass": "✓",
    "fail": "✗",
    "inconclusive": "?",
    "waived": "◇",
    "not_applicable": "–",
    None: "·",
}
WORD = {
    "pass": "Pass",
    "fail": "Fail",
    "inconclusive": "Inconclusive",
    "waived": "Waived",
    "not_applicable": "Not applicable",
    None: "Not judged",
}
_WHOLE = 1e15


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with `digits` significant digits; whole numbers in full; a dash for None.

    >>> number(0.0123456), number(1250.0), number(None)
    ('0.01235', '1,250', '–')
    """
    if value is None:
        return "–"
    if value == int(value) and abs(value) < _WHOLE:
        return f"{int(value):,}"
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if "e+" in text and abs(value) < _WHOLE else text


def signed(value: float | None) -> str:
    """Write a difference: what is above 0 has its sign too.

    >>> signed(0.02), signed(-0.02), signed(0.0)
    ('+0.02', '-0.02', '0')
    """
    return f"+{number(value)}" if value is not None and value > 0 else number(value)


def beside(value: float | None, limit: float) -> str:
    """Write a number with as many digits as it takes not to look like an unequal limit.

    >>> beside(0.0100004, 0.01), beside(0.01, 0.01)
    ('0.0100004', '0.01')
    """
    if value is None or value == limit:
        return number(value)
    texts = (number(value, digits) for digits in range(4, 18))
    return next((text for text in texts if text != number(limit, 17)), number(value, 17))


def interval(low: float | None, high: float | None) -> str:
    """Write an interval; a side without a bound is infinite.

    >>> interval(0.1, 0.25), interval(None, 2.0)
    ('[0.1, 0.25]', '(−∞, 2]')
    """
    left = "(−∞" if low is None else f"[{number(low)}"
    return f"{left}, ∞)" if high is None else f"{left}, {number(high)}]"


def requirement(finding: Finding) -> str:
    """Write what a rule asks: `toxicity.any_rate ≤ 0.01`, or its words where it has some."""
    if finding.kind == "coverage" and finding.op:
        return f"{finding.asked}: at least {number(finding.limit)}"
    if finding.kind == "document" and finding.limit:
        return f"{finding.asked}: at least {count(int(finding.limit), 'signature')}"
    if finding.asked:
        return finding.asked
    if finding.kind == "require":
        return f"{finding.metric} {limit(finding)}".rstrip()
    against = f" compared with {finding.against}" if finding.against else ""
    return f"{finding.metric}{against}"


def limit(finding: Finding) -> str:
    """Write the comparison alone: `≤ 0.01`; nothing where there is none."""
    if finding.op == "within":
        return f"within ±{number(finding.limit)}"
    return f"{SIGN.get(finding.op, finding.op)} {number(finding.limit)}" if finding.op else ""


def told(finding: Finding) -> str:
    """Give a finding's message without what only says the numbers again."""
    if repeats_numbers(finding):
        return finding.message.removeprefix(_again(finding)).partition("; ")[2]
    return "" if finding.message == finding.cause else finding.message


def repeats_numbers(finding: Finding) -> bool:
    """Whether a finding's message says its numbers, and perhaps something after them."""
    return finding.message.startswith(_again(finding))


def count(n: int, noun: str) -> str:
    """Write a count with its noun: `1 rule`, `2 rules`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def named(spec: Mapping[str, Any] | None, fallback: str) -> str:
    """Read the name in a suite's or policy's metadata."""
    metadata = (spec or {}).get("metadata") or {}
    return str(metadata.get("name") or fallback)


def everything(label: str) -> bool:
    """Tell whether a slice label stands for the whole run."""
    return label in ("", "all")


def _again(finding: Finding) -> str:
    if finding.kind == "compare":
        return f"{finding.metric} against "
    return f"{finding.metric} {finding.op} "
