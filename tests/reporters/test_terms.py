"""What a difference is taken from is said with the margin that is part of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.records import Finding
from harness.reporters.terms import terms

Make = Callable[..., Finding]


def _compare(test: str, margin: float, *, relative: bool) -> dict[str, Any]:
    rule = {"id": "r", "compare": {"test": test, "margin": margin, "relative": relative}}
    return {"defaults": {"confidence": 0.95}, "rules": [rule]}


@pytest.mark.parametrize(
    ("test", "op", "told"),
    [
        ("noninferior", "<=", "difference from 1.05 × champion"),
        ("noninferior", ">=", "difference from 0.95 × champion"),
        ("superior", "<", "difference from 0.95 × champion"),
        ("superior", ">", "difference from 1.05 × champion"),
        ("equivalent", "<=", "difference from 1.05 × champion"),
        ("equivalent", ">=", "difference from 0.95 × champion"),
    ],
)
def test_a_relative_margin_is_part_of_what_is_compared_with(
    make_finding: Make, test: str, op: str, told: str
) -> None:
    found = make_finding("r", kind="compare", against="champion", op=op, limit=0.0)

    assert terms(_compare(test, 0.05, relative=True))["r"].origin(found) == told


def test_an_absolute_margin_is_the_limit_and_the_difference_is_plain(
    make_finding: Make,
) -> None:
    found = make_finding("r", kind="compare", against=f"anchor:{'ab' * 32}")

    told = terms(_compare("noninferior", 0.05, relative=False))["r"].origin(found)
    assert told == "difference from anchor:abababababab"


def test_a_limit_or_a_comparison_without_a_number_has_no_origin(make_finding: Make) -> None:
    known = terms(_compare("equivalent", 0.05, relative=True))["r"]

    assert known.origin(make_finding("r")) == ""
    assert known.origin(make_finding("r", kind="compare", value=None)) == ""


def test_planned_attempts_share_the_error_that_one_may_make() -> None:
    policy = {"attempts": 2, "defaults": {"confidence": 0.95}, "rules": [{"id": "r"}]}

    assert terms(policy)["r"].confidence == "0.975"


def test_what_is_counted_has_no_confidence() -> None:
    rules = [{"id": "r", "confidence": 0.95, "coverage": {"by": "risk", "total": 9}}]

    assert terms({"rules": rules})["r"].confidence == ""
    assert terms(None) == {}
