"""No pattern may take more than linear time: shown on its structure, not by a clock."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from harness.metrics.pii.detect import _SEVEN_DIGITS
from harness.metrics.pii.patterns import RULES, SECRETS, TYPES

parser: Any = importlib.import_module("re._parser")
PATTERNS = sorted({rule.pattern for rule in RULES} | {_SEVEN_DIGITS}, key=lambda p: p.pattern)


def repeats(tree: Any, around: int = 1) -> Iterator[tuple[Any, Any, int]]:
    """Every repetition of a parsed pattern: fewest, body, and most with those around it."""
    for operator, argument in tree:
        if str(operator) in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            least, most, body = argument
            yield least, body, around * int(most)
            yield from repeats(body, around * int(most) if most > 1 else around)
        elif isinstance(argument, tuple | list):
            for part in parts(argument):
                yield from repeats(part, around)


def parts(argument: Any) -> Iterator[Any]:
    for item in argument:
        if isinstance(item, parser.SubPattern):
            yield item
        elif isinstance(item, list):
            yield from (part for part in item if isinstance(part, parser.SubPattern))


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.pattern[:40])
def test_every_repetition_is_bounded(pattern: Any) -> None:
    found = list(repeats(parser.parse(pattern.pattern, pattern.flags)))

    assert all(most <= 16384 for _, _, most in found)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.pattern[:40])
def test_no_repetition_repeats_what_may_be_empty(pattern: Any) -> None:
    found = repeats(parser.parse(pattern.pattern, pattern.flags))

    assert all(body.getwidth()[0] > 0 for _, body, _ in found)


@pytest.mark.parametrize("bad", ["(a+)+", "(a{0,9}){0,9}"])
def test_the_checks_notice_a_pattern_that_can_explode(bad: str) -> None:
    found = list(repeats(parser.parse(bad)))

    assert any(most > 16384 or body.getwidth()[0] == 0 for _, body, most in found)


def test_no_boundary_is_one_that_a_han_character_hides() -> None:
    assert not [rule.type for rule in RULES if r"\b" in rule.pattern.pattern]


def test_the_table_has_every_type_that_metrics_are_made_of() -> None:
    assert set(TYPES) > SECRETS
    assert len(TYPES) == len(set(TYPES)) == 16
