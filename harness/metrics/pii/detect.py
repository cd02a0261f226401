"""Find personal data and secrets of a fixed form in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.metrics.pii.fold import View, views
from harness.metrics.pii.patterns import RULES
from harness.metrics.pii.rule import Rule

_SEVEN_DIGITS = re.compile("[0-9](?:[ .()-]{0,3}[0-9]){6}")
_HINTS = tuple(dict.fromkeys(hint for rule in RULES for hint in rule.hints))


@dataclass(frozen=True, slots=True)
class Span:
    """A finding: its type, and where it lies in the text, `end` excluded."""

    type: str
    start: int
    end: int


def find(text: str) -> tuple[Span, ...]:
    """Find every value of a known form, in order and without overlap.

    Of two findings one inside the other the longer is kept; where two merely
    overlap the second is cut to what the first leaves, so that masking the
    spans leaves nothing behind.

    >>> find("卡号4012888888881881。")
    (Span(type='credit_card', start=2, end=18),)
    >>> find("card 4012888888881882")
    ()
    """
    found = [span for view in views(text) for span in _in_view(view)]
    return tuple(_apart(found)) if found else ()


def _in_view(view: View) -> Iterator[Span]:
    text = view.text
    numeric = _SEVEN_DIGITS.search(text) is not None
    absent = frozenset([hint for hint in _HINTS if hint not in text])
    for rule in RULES:
        if (rule.numeric and not numeric) or (rule.hints and absent.issuperset(rule.hints)):
            continue
        for start, end in _matches(rule, text):
            yield Span(rule.type, *view.original(start, end))


def _matches(rule: Rule, text: str) -> Iterator[tuple[int, int]]:
    """Go on just after the start of what is rejected: a value may begin inside it."""
    position = 0
    while match := rule.pattern.search(text, position):
        span = rule.accept(match)
        if span:
            yield span
        position = span[1] if span else match.start() + 1


def _apart(found: Iterable[Span]) -> Iterator[Span]:
    """Order spans and cut overlaps; the sort is stable, so the table's order decides ties."""
    end = 0
    for span in sorted(found, key=lambda s: (s.start, -s.end)):
        if span.end > end:
            yield Span(span.type, max(span.start, end), span.end)
            end = span.end
