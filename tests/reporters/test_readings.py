"""The two readings of a finding: which number is shown beside the limit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.records import Finding
from harness.reporters.readings import before_waiver, bound_used, counts, differ, held, parted

Make = Callable[..., Finding]


@pytest.mark.parametrize(
    ("op", "outcome", "used"),
    [
        ("<=", "pass", ("upper bound", "0.0125")),
        ("<=", "inconclusive", ("upper bound", "0.0125")),
        ("<=", "fail", ("lower bound", "0.0013")),
        (">=", "pass", ("lower bound", "0.0013")),
        (">=", "fail", ("upper bound", "0.0125")),
        ("==", "pass", ("both bounds", "[0.0013, 0.0125]")),
    ],
)
def test_the_bound_shown_is_the_one_that_decided(
    make_finding: Make, op: str, outcome: str, used: tuple[str, str]
) -> None:
    assert bound_used(make_finding(op=op, outcome=outcome)) == used


def test_a_point_rule_shows_its_estimate(make_finding: Make) -> None:
    assert bound_used(make_finding(decided_by="point")) == ("estimate", "0.004")


def test_a_missing_bound_is_infinite_only_where_something_was_measured(
    make_finding: Make,
) -> None:
    assert bound_used(make_finding(high=None))[1] == "∞"
    assert bound_used(make_finding(value=None, low=None, high=None))[1] == "–"


def test_an_estimate_that_decided_against_its_bounds_shows_the_bound(
    make_finding: Make,
) -> None:
    one = make_finding(decided_by="point", point="pass", bound="inconclusive")
    assert differ(one)
    assert bound_used(one) == ("upper bound", "0.0125")


@pytest.mark.parametrize(
    ("point", "bound", "apart"),
    [("pass", "pass", False), ("pass", "fail", True), (None, "fail", False)],
)
def test_readings_differ_only_where_there_are_two(
    make_finding: Make, point: str | None, bound: str, apart: bool
) -> None:
    assert differ(make_finding(point=point, bound=bound)) == apart


def test_an_estimate_that_says_nothing_is_not_set_beside_bounds_that_decide(
    make_finding: Make,
) -> None:
    lacking = make_finding(point="inconclusive", bound="pass", decided_by="bound")
    assert not differ(lacking)
    assert parted(lacking) == ""
    both = make_finding(point="inconclusive", bound="pass", decided_by="point")
    assert parted(both) == "estimate inconclusive, bounds pass: the estimate decides"


def test_a_difference_shows_its_sign(make_finding: Make) -> None:
    assert held(make_finding(kind="compare"), 0.02) == "+0.02"
    assert held(make_finding(kind="compare"), -0.02) == "-0.02"
    assert held(make_finding(), 0.02) == "0.02"


def test_a_waived_finding_says_what_it_was(make_finding: Make) -> None:
    assert before_waiver(make_finding(outcome="waived", bound="fail")) == "fail"
    assert before_waiver(make_finding()) is None


def test_a_document_counts_no_outputs(make_finding: Make) -> None:
    assert counts(make_finding())
    assert not counts(make_finding(kind="document", n=0, missing=0, clusters=0))


def test_a_census_shows_what_was_counted(make_finding: Make) -> None:
    assert bound_used(make_finding(kind="coverage", value=12.0))[0] == "counted"
