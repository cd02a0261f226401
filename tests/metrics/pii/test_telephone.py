from __future__ import annotations

import pytest

from harness.metrics.pii.detect import find
from harness.metrics.pii.telephone import assigned


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("My US number is (415) 555-0132.", "(415) 555-0132"),
        ("international +1 415 555 0132 12/26", "+1 415 555 0132"),
        ("1-800-555-0199", "1-800-555-0199"),
        ("415.555.0132", "415.555.0132"),
        ("+44 (0)20 7946 0958", "+44 (0)20 7946 0958"),
        ("+442079460958", "+442079460958"),
        ("电话+852 2345 6789。", "+852 2345 6789"),
        ("+49 30 901820", "+49 30 901820"),
    ],
)
def test_a_telephone_number_is_found(text: str, value: str) -> None:
    (span,) = find(text)

    assert (span.type, text[span.start : span.end]) == ("phone", value)


@pytest.mark.parametrize(
    "text",
    [
        "4155550132",
        "115-555-0132",
        "911-555-0132",
        "415-155-0132",
        "415-911-0132",
        "495-555-0132",
        "+1 115 555 0132",
        "+999 12345678",
        "+12345678",
        "123-415-555-0132",
        "415-555-0132-77",
        "a+442079460958",
        "++442079460958",
        "09-7625400",
    ],
)
def test_what_no_plan_assigns_is_not_found(text: str) -> None:
    assert find(text) == ()


@pytest.mark.parametrize(
    ("digits", "valid"),
    [("14155550132", True), ("8613812345678", True), ("4412345678", False), ("1" * 16, False)],
)
def test_a_number_fits_its_countrys_plan(digits: str, valid: bool) -> None:
    assert assigned(digits) is valid
