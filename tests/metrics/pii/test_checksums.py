from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.pii import checksums
from harness.metrics.pii.rule import compact
from tests.metrics.pii.planted import credit_codes, digits, german_iban, resident_ids, with_luhn


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("4012888888881881", True),
        ("4012888888881882", False),
        ("79927398713", True),
        ("0", True),
    ],
)
def test_luhn_agrees_with_published_numbers(number: str, valid: bool) -> None:
    assert checksums.luhn(number) is valid


@settings(deadline=None)
@given(digits(15), st.integers(0, 15), st.integers(1, 9))
def test_luhn_notices_every_change_of_one_digit(body: str, place: int, shift: int) -> None:
    number = with_luhn(body)
    changed = str((int(number[place]) + shift) % 10)

    assert checksums.luhn(number)
    assert not checksums.luhn(number[:place] + changed + number[place + 1 :])


@pytest.mark.parametrize(
    "number",
    ["360426199101010071", "110101199003077758", "310104197612310022", "510107200002291232"],
)
def test_resident_ids_that_python_stdnum_accepts_are_valid(number: str) -> None:
    assert checksums.resident_id(number)


@pytest.mark.parametrize(
    "number",
    [
        "360426199101010072",  # check digit
        "160426199101010071",  # no such province
        "110101199002307759",  # 30 February
        "110101180001010012",  # born in 1800
    ],
)
def test_a_resident_id_with_one_fault_is_refused(number: str) -> None:
    assert not checksums.resident_id(number)


@settings(deadline=None)
@given(resident_ids)
def test_a_resident_id_worked_out_by_the_standards_weights_is_valid(number: str) -> None:
    assert checksums.resident_id(number)
    assert checksums.resident_id(number.lower())


@pytest.mark.parametrize(
    "code",
    ["91110000600037341L", "91310000MA1K35LL2X", "92440300MA5ABCDE71", "12100000400000624D"],
)
def test_credit_codes_that_python_stdnum_accepts_are_valid(code: str) -> None:
    assert checksums.credit_code(code)


@settings(deadline=None)
@given(credit_codes, st.integers(8, 17), st.integers(1, 30))
def test_a_credit_code_notices_every_change_of_one_character(
    code: str, place: int, shift: int
) -> None:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    changed = alphabet[(alphabet.index(code[place]) + shift) % 31]

    assert checksums.credit_code(code)
    assert not checksums.credit_code(code[:place] + changed + code[place + 1 :])


@settings(deadline=None)
@given(german_iban)
def test_an_iban_worked_out_by_the_standard_leaves_one(number: str) -> None:
    assert checksums.mod97(compact(number))


@pytest.mark.parametrize(
    ("number", "valid"),
    [("9780306406157", True), ("4006381333931", True), ("4006381333932", False), ("12", False)],
)
def test_bar_codes_are_told_by_their_check_digit(number: str, valid: bool) -> None:
    assert checksums.ean13(number) is valid
