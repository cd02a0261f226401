"""Numbers and requirements read the same everywhere and never mislead."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Finding
from harness.reporters.wording import (
    beside,
    count,
    interval,
    limit,
    number,
    requirement,
    signed,
    told,
)

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
    ("changes", "text"),
    [
        ({}, "toxicity.any_rate ≤ 0.02"),
        ({"op": "==", "limit": 0.0}, "toxicity.any_rate = 0"),
        ({"kind": "compare", "asked": "x not worse than y"}, "x not worse than y"),
        ({"kind": "compare", "against": "y"}, "toxicity.any_rate compared with y"),
        ({"kind": "coverage", "asked": "prompts by risk", "op": ">=", "limit": 500.0},
         "prompts by risk: at least 500"),
        ({"kind": "document", "asked": "document a.pdf", "op": ">=", "limit": 1.0},
         "document a.pdf: at least 1 signature"),
        ({"kind": "evidence", "asked": "attempts", "op": ""}, "attempts"),
    ],
)  # fmt: skip
def test_every_kind_of_rule_says_what_it_asks(
    make_finding: Make, changes: dict[str, object], text: str
) -> None:
    assert requirement(make_finding(**changes)) == text


def test_a_limit_is_written_only_where_there_is_one(make_finding: Make) -> None:
    assert limit(make_finding(op="within", limit=0.5)) == "within ±0.5"
    assert limit(make_finding(op="<", limit=0.0)) == "< 0"
    assert limit(make_finding(op="")) == ""


def test_a_message_that_only_repeats_the_numbers_is_left_out(make_finding: Make) -> None:
    again = "toxicity.any_rate <= 0.01: 95 % bounds 0 to 1"
    assert told(make_finding(message=again)) == ""
    assert told(make_finding(message=f"{again}; not so (Holm)")) == "not so (Holm)"
    assert told(make_finding(message="no scorer")) == "no scorer"
    apart = (
        "toxicity.any_rate against champion: 95 % bounds of the difference 0 to +1, asked <= 0"
    )
    assert told(make_finding(kind="compare", message=apart)) == ""
    assert told(make_finding(kind="compare", message="another suite")) == "another suite"


def test_a_difference_has_a_sign_above_and_below_zero() -> None:
    assert [signed(v) for v in (0.02, -0.02, 0.0, None)] == ["+0.02", "-0.02", "0", "–"]


def test_a_count_agrees_with_its_noun() -> None:
    assert (count(1, "rule"), count(1200, "rule")) == ("1 rule", "1,200 rules")
