"""A forest plot puts each interval and the limit where the numbers are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Finding
from harness.reporters.findings import Row, RuleRows
from harness.reporters.forest import WIDTH, Plot, plots

Make = Callable[..., Finding]


def _rule(*findings: Finding) -> RuleRows:
    return RuleRows(tuple(Row("greedy", finding) for finding in findings), "0.95")


def _plot(*findings: Finding) -> Plot:
    (found,) = plots(_rule(*findings))
    return found


def test_marks_lie_in_the_order_of_their_numbers(make_finding: Make) -> None:
    found = _plot(make_finding())

    mark = found.marks[0]
    assert mark.low is not None
    assert mark.value is not None
    assert mark.high is not None
    assert mark.low < mark.value < mark.high < found.limits[0]


def test_the_allowed_side_is_left_of_an_upper_limit_and_right_of_a_lower(
    make_finding: Make,
) -> None:
    upper, lower = _plot(make_finding()), _plot(make_finding(op=">="))

    assert sum(upper.allowed) == pytest.approx(upper.limits[0], abs=0.02)
    assert lower.allowed[0] == lower.limits[0]


def test_a_side_without_a_bound_is_drawn_open(make_finding: Make) -> None:
    found = _plot(make_finding(high=None))

    assert (found.marks[0].open_low, found.marks[0].open_high) == (False, True)


def test_a_rule_without_any_number_is_not_drawn(make_finding: Make) -> None:
    assert plots(_rule(make_finding(value=None, low=None, high=None))) == ()


def test_numbers_too_far_apart_for_one_scale_are_not_drawn(make_finding: Make) -> None:
    assert plots(_rule(make_finding(low=-1.7e308, high=1.7e308))) == ()


def test_what_does_not_fit_is_counted(make_finding: Make) -> None:
    found = _plot(*[make_finding()] * 20)

    assert (len(found.marks), found.left_out) == (16, 4)


def test_a_wide_label_is_cut(make_finding: Make) -> None:
    found = _plot(make_finding(slice="好" * 60))

    assert found.marks[0].label.endswith("…")
    assert len(found.marks[0].label) < 30


@pytest.mark.parametrize("kind", ["conform", "coverage", "document"])
def test_what_is_counted_and_not_estimated_is_not_drawn(make_finding: Make, kind: str) -> None:
    assert plots(_rule(make_finding(kind=kind))) == ()


def test_a_difference_marks_its_margin_and_no_difference(make_finding: Make) -> None:
    found = _plot(make_finding(kind="compare", low=-0.01, value=0.0, high=0.01, limit=0.02))

    assert found.zero == found.marks[0].value
    assert found.zero is not None
    assert found.zero < found.limits[0]
    assert found.marks[0].text == "0"


def test_a_margin_of_none_needs_no_second_mark(make_finding: Make) -> None:
    assert _plot(make_finding(kind="compare", limit=0.0)).zero is None
    assert _plot(make_finding()).zero is None


def test_an_equivalence_stays_between_two_lines_that_are_both_drawn(make_finding: Make) -> None:
    found = _plot(make_finding(kind="compare", op="within", low=0.0, limit=0.02))

    left, right = found.limits
    assert left < right
    assert found.zero == pytest.approx((left + right) / 2, abs=0.02)
    assert found.allowed[0] == left
    assert sum(found.allowed) == pytest.approx(right, abs=0.02)


def test_differences_from_two_numbers_never_share_a_plot(make_finding: Make) -> None:
    rows = tuple(
        Row(
            "greedy", make_finding(kind="compare", op=op, limit=0.0), f"difference from {x} × s"
        )
        for op, x in (("<=", 1.05), (">=", 0.95))
    )

    found = plots(RuleRows(rows, "0.95"))

    assert [plot.origin for plot in found] == [row.origin for row in rows]


_reals = st.floats(-1e12, 1e12)


@given(
    _reals,
    _reals,
    st.lists(_reals, min_size=2, max_size=2),
    st.sampled_from(["<=", "<", ">=", ">", "==", "within"]),
    st.sampled_from(["require", "compare"]),
)
def test_everything_drawn_lies_within_the_plot(
    limit: float, value: float, ends: list[float], op: str, kind: str
) -> None:
    low, high = sorted(ends)
    finding = Finding(
        rule="r", metric="m", slice="all", outcome="pass", cause="evidence", severity="block",
        op=op, limit=abs(limit) if op == "within" else limit, value=value, low=low, high=high,
        n=1, missing=0, clusters=1, needed=None, message="", kind=kind,
    )  # fmt: skip

    found = _plot(finding)

    mark = found.marks[0]
    drawn = [
        *found.limits,
        found.limit_x,
        mark.low,
        mark.value,
        mark.high,
        *(x for x, _ in found.ticks),
    ]
    assert all(x is not None and 0 <= x <= WIDTH for x in drawn)
    assert len(found.ticks) <= 8
