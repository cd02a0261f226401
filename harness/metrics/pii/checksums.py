"""The check digits of cards, accounts, people and companies."""

from __future__ import annotations

from datetime import date

_PROVINCE_CODES = (
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46"
    " 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
)
PROVINCES = frozenset(_PROVINCE_CODES.split())
"""First two digits of a region code.

Source: GB/T 2260; 81 to 83 are the residence permits for Hong Kong, Macao and Taiwan.
"""

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_CREDIT_ALPHABET = {c: i for i, c in enumerate("0123456789ABCDEFGHJKLMNPQRTUWXY")}
_CREDIT_OFFICES = frozenset("123456789ANY")
_COUNTRY_WIDE = "10"


def luhn(digits: str) -> bool:
    """Whether a string of digits satisfies the Luhn check of payment cards.

    Source: ISO/IEC 7812-1, annex B.

    >>> luhn("4012888888881881"), luhn("4012888888881882")
    (True, False)
    """
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[n] for n in numbers[1::2])) % 10 == 0


def ean13(digits: str) -> bool:
    """Whether 13 digits satisfy the check of a bar code or ISBN-13.

    Source: GS1 General Specifications, section 7.9.

    >>> ean13("9780306406157"), ean13("9780306406158")
    (True, False)
    """
    numbers = [int(digit) for digit in digits]
    return len(numbers) == 13 and (sum(numbers[::2]) + 3 * sum(numbers[1::2])) % 10 == 0


def mod97(iban: str) -> bool:
    """Whether an account number, upper case and without spaces, leaves 1 modulo 97.

    Source: ISO 13616-1; ISO 7064 mod 97-10.

    >>> mod97("GB29NWBK60161331926819"), mod97("GB29NWBK60161331926810")
    (True, False)
    """
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def resident_id(number: str) -> bool:
    """Whether 18 characters are a Chinese resident ID: province, birth date, check digit.

    Source: GB 11643-1999; ISO 7064 mod 11-2.

    >>> resident_id("360426199101010071"), resident_id("360426199102300071")
    (True, False)
    """
    if number[:2] not in PROVINCES or not _calendar(number[6:14]):
        return False
    remainder = 0
    for digit in number[:17]:
        remainder = (remainder + int(digit)) * 2 % 11
    return number[17].upper() == "0123456789X"[(12 - remainder) % 11]


def credit_code(code: str) -> bool:
    """Whether 18 characters are a Chinese unified social credit code.

    Checks the registering office, the province and the check character.

    Source: GB 32100-2015.

    >>> credit_code("91110000600037341L"), credit_code("91110000600037342L")
    (True, False)
    """
    if code[0] not in _CREDIT_OFFICES or code[2:4] not in PROVINCES | {_COUNTRY_WIDE}:
        return False
    weight, total = 1, 0
    for character in code[:17]:
        total += _CREDIT_ALPHABET[character] * weight
        weight = weight * 3 % 31
    return _CREDIT_ALPHABET[code[17]] == -total % 31


def _calendar(digits: str) -> bool:
    """Whether YYYYMMDD is a day from 1900 to 2099."""
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    if not 1900 <= year <= 2099:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
