from __future__ import annotations

import pytest

from harness.metrics.pii.cards import bank_card, credit_card
from harness.metrics.pii.detect import find

# The numbers of Presidio's own test table.
PRESIDIO = (
    "4012888888881881", "4012-8888-8888-1881", "4012 8888 8888 1881", "122000000000003",
    "371449635398431", "5555555555554444", "5019717010103742", "30569309025904",
    "6011000400000000", "3528000700000000", "6759649826438453", "4111111111111111",
    "4917300800000000", "4484070000000000",
)  # fmt: skip


@pytest.mark.parametrize("number", PRESIDIO)
def test_cards_of_presidios_table_are_found(number: str) -> None:
    assert [(s.type, s.start, s.end) for s in find(number)] == [("credit_card", 0, len(number))]


@pytest.mark.parametrize(
    "number", ["4012888888881882", "4012-8888-8888-1882", "36168002586008"]
)
def test_cards_presidio_refuses_are_refused(number: str) -> None:
    assert find(f"my credit card is {number}") == ()


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("4222222222222", True),  # an old Visa number of 13 digits
        ("4006381333931", False),  # a bar code of as many
        ("401288888888188", False),  # no Visa number has 15
        ("9999999999999995", False),  # Luhn holds, no issuer
        ("3714 496353 98431", True),
    ],
)
def test_a_number_needs_the_length_its_issuer_uses(number: str, valid: bool) -> None:
    assert credit_card(number.replace(" ", "")) is valid
    assert bool(find(number)) is valid


@pytest.mark.parametrize(
    "number", ["6222021234567890128", "622202 1234567890128", "6222 0212 3456 7890 128"]
)
def test_a_chinese_bank_card_has_its_own_type(number: str) -> None:
    digits = number.replace(" ", "")

    assert [s.type for s in find(f"卡号{number}")] == ["bank_card"]
    assert bank_card(digits)
    assert not credit_card(digits)


def test_a_security_code_after_a_card_is_not_part_of_it() -> None:
    assert [(s.start, s.end) for s in find("4012 8888 8888 1881 123")] == [(0, 19)]


def test_groups_with_mixed_marks_are_no_card() -> None:
    assert find("4012-8888 8888-1881") == ()
