"""Numbers and requirements read the same everywhere and never mislead."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Finding
from harness.reporters.wording import beside, bound_used, interval, number

Make = Callable[..., Finding]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.0123456, "0.01235"),
        (12345.6, "12,350"),
        (1234567.0, "1,234,567"),
        (0.0000123456, "1.235e-05"),
        (-2.5, "-2.5"),
        (1e300, "1e+300"),
    ],
)
def test_a_number_has_four_digits_and_a_whole_one_all_of_them(
    value: float | None, text: str
) -> None:
    assert number(value) == text


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_value_past_its_limit_never_reads_as_equal_to_it(value: float, limit: float) -> None:
    assert (beside(value, limit) == number(limit)) <= (value == limit)


def test_an_open_side_is_infinite() -> None:
    assert interval(None, None) == "(−∞, ∞)"


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
    assert bound_used(make_finding(op=op, outcome=outcome), "bound") == used


def test_a_point_rule_shows_its_estimate(make_finding: Make) -> None:
    assert bound_used(make_finding(), "point") == ("estimate", "0.004")


def test_a_missing_bound_is_infinite_only_where_something_was_measured(
    make_finding: Make,
) -> None:
    assert bound_used(make_finding(high=None), "bound")[1] == "∞"
    assert bound_used(make_finding(value=None, low=None, high=None), "bound")[1] == "–"
