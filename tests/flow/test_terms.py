"""A bar is cleared, missed or straddled, and a rule's unset keys come from its policy."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.flow.terms import Bar, Op, Terms, confidences, worst
from tests.flow.synthetic import limit, policy

OPS: tuple[Op, ...] = ("<=", ">=", "==", "<", ">", "within")
FINITE = st.floats(-10, 10)


@pytest.mark.parametrize(
    ("op", "low", "high", "reading"),
    [
        ("<=", 0.1, 1.0, "pass"),
        ("<=", 0.1, 1.1, "inconclusive"),
        ("<=", 1.0, 1.1, "inconclusive"),
        ("<=", 1.1, 1.2, "fail"),
        ("<=", None, 1.0, "pass"),
        ("<=", 0.1, None, "inconclusive"),
        (">=", 1.0, 1.1, "pass"),
        (">=", 0.9, 1.1, "inconclusive"),
        (">=", 0.9, 1.0, "inconclusive"),
        (">=", 0.8, 0.9, "fail"),
        (">=", 1.0, None, "pass"),
        (">=", None, 1.1, "inconclusive"),
        ("==", 1.0, 1.0, "pass"),
        ("==", 0.9, 1.1, "inconclusive"),
        ("==", 1.0, 1.1, "inconclusive"),
        ("==", 1.1, 1.1, "fail"),
        ("==", 0.8, 0.9, "fail"),
        ("==", None, None, "inconclusive"),
        ("<", 0.1, 0.9, "pass"),
        ("<", 0.1, 1.0, "inconclusive"),
        ("<", 1.0, 1.1, "fail"),
        ("<", 1.0, None, "fail"),
        (">", 1.1, 1.2, "pass"),
        (">", 1.0, 1.2, "inconclusive"),
        (">", 0.9, 1.0, "fail"),
        (">", None, 1.0, "fail"),
        ("within", -1.0, 1.0, "pass"),
        ("within", -1.1, 1.0, "inconclusive"),
        ("within", -1.0, 1.1, "inconclusive"),
        ("within", 1.1, 1.2, "fail"),
        ("within", -1.2, -1.1, "fail"),
        ("within", None, 0.5, "inconclusive"),
    ],
)
def test_an_interval_lies_inside_or_outside_or_across(
    op: Op, low: float | None, high: float | None, reading: str
) -> None:
    assert Bar(op, 1.0).reading(low, high) == reading


@pytest.mark.parametrize("op", OPS)
def test_what_is_no_number_clears_no_bar_and_misses_none(op: Op) -> None:
    assert Bar(op, 1.0).reading(math.nan, math.nan) == "inconclusive"


@given(st.sampled_from(OPS), FINITE, FINITE, FINITE, FINITE, st.floats(0, 10))
def test_a_wider_interval_never_decides_more(
    op: Op, one: float, other: float, down: float, up: float, bar: float
) -> None:
    low, high = sorted((one, other))
    wider = Bar(op, bar).reading(low - abs(down), high + abs(up))
    assert wider in ("inconclusive", Bar(op, bar).reading(low, high))
    assert Bar(op, bar).reading(None, None) == "inconclusive"


def test_the_worst_of_outcomes_is_the_gravest() -> None:
    assert worst(("pass", "inconclusive", "fail")) == "fail"
    assert worst(("pass", "inconclusive")) == "inconclusive"
    assert worst(("pass", "pass")) == "pass"


@pytest.mark.parametrize(
    ("about", "defaults", "expected"),
    [
        ({}, {}, (0.95, "bound", 0.02, 1)),
        ({}, {"confidence": 0.9, "decide": "both", "max_unscored": 0.1, "n_min": 9},
         (0.9, "both", 0.1, 9)),
        ({"confidence": 0.99, "decide": "point", "max_unscored": 0.0, "n_min": 3},
         {"confidence": 0.9, "decide": "both", "max_unscored": 0.1, "n_min": 9},
         (0.99, "point", 0.0, 3)),
    ],
)  # fmt: skip
def test_a_rule_says_what_its_policy_says_where_it_says_nothing(
    about: dict[str, Any], defaults: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    rules = policy(limit(**about), defaults=defaults)
    terms = Terms.of(rules.rules[0], rules)
    assert (terms.confidence, terms.decide, terms.max_unscored, terms.n_min) == expected


def test_a_slice_asks_for_the_larger_of_both_smallest_numbers() -> None:
    rules = policy(
        limit("a", n_min=30, slices={"by": "lang", "min_n": 50}),
        limit("b", n_min=70, slices={"by": "lang", "min_n": 50}),
    )
    assert [Terms.of(rule, rules).least for rule in rules.rules] == [50, 70]


@pytest.mark.parametrize(("attempts", "confidence"), [(1, 0.95), (2, 0.975), (5, 0.99)])
def test_planned_attempts_share_the_error_one_may_make(
    attempts: int, confidence: float
) -> None:
    rules = policy(limit(), attempts=attempts)
    assert Terms.of(rules.rules[0], rules).confidence == pytest.approx(confidence)
    assert confidences(rules) == (Terms.of(rules.rules[0], rules).confidence,)


def test_every_confidence_is_asked_for_once_and_in_order() -> None:
    rules = policy(limit("a", confidence=0.99), limit("b"), limit("c"), limit("d"))
    assert confidences(rules) == (0.95, 0.99)
