"""A forest plot puts each interval and the limit where the numbers are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Finding
from harness.reporters.decision import Row, RuleRows
from harness.reporters.forest import WIDTH, plot

Make = Callable[..., Finding]


def _rule(*findings: Finding) -> RuleRows:
    return RuleRows(tuple(Row("greedy", finding, "bound") for finding in findings), "0.95")


def test_marks_lie_in_the_order_of_their_numbers(make_finding: Make) -> None:
    found = plot(_rule(make_finding()))

    assert found is not None
    mark = found.marks[0]
    assert mark.low is not None
    assert mark.value is not None
    assert mark.high is not None
    assert mark.low < mark.value < mark.high < found.limit


def test_the_allowed_side_is_left_of_an_upper_limit_and_right_of_a_lower(
    make_finding: Make,
) -> None:
    upper, lower = plot(_rule(make_finding())), plot(_rule(make_finding(op=">=")))

    assert upper is not None
    assert lower is not None
    assert sum(upper.allowed) == pytest.approx(upper.limit, abs=0.02)
    assert lower.allowed[0] == lower.limit


def test_a_side_without_a_bound_is_drawn_open(make_finding: Make) -> None:
    found = plot(_rule(make_finding(high=None)))

    assert found is not None
    assert (found.marks[0].open_low, found.marks[0].open_high) == (False, True)


def test_a_rule_without_any_number_is_not_drawn(make_finding: Make) -> None:
    assert plot(_rule(make_finding(value=None, low=None, high=None))) is None


def test_numbers_too_far_apart_for_one_scale_are_not_drawn(make_finding: Make) -> None:
    assert plot(_rule(make_finding(low=-1.7e308, high=1.7e308))) is None


def test_what_does_not_fit_is_counted(make_finding: Make) -> None:
    found = plot(_rule(*[make_finding()] * 20))

    assert found is not None
    assert (len(found.marks), found.left_out) == (16, 4)


def test_a_wide_label_is_cut(make_finding: Make) -> None:
    found = plot(_rule(make_finding(slice="好" * 60)))

    assert found is not None
    assert found.marks[0].label.endswith("…")
    assert len(found.marks[0].label) < 30


_reals = st.floats(-1e12, 1e12)


@given(_reals, _reals, st.lists(_reals, min_size=2, max_size=2))
def test_everything_drawn_lies_within_the_plot(
    limit: float, value: float, ends: list[float]
) -> None:
    low, high = sorted(ends)
    finding = Finding(
        rule="r", metric="m", slice="all", outcome="pass", cause="evidence", severity="block",
        op="<=", limit=limit, value=value, low=low, high=high, n=1, missing=0, clusters=1,
        needed=None, message="",
    )  # fmt: skip

    found = plot(_rule(finding))

    assert found is not None
    mark = found.marks[0]
    drawn = [found.limit, mark.low, mark.value, mark.high, *(x for x, _ in found.ticks)]
    assert all(x is not None and 0 <= x <= WIDTH for x in drawn)
    assert len(found.ticks) <= 8
