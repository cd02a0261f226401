"""Payment and bank cards: who issued them, how long they are, and the Luhn check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from harness.metrics.pii.checksums import ean13, luhn
from harness.metrics.pii.rule import RIGHT, Accept, Rule, compact, opening

ISSUERS: Mapping[frozenset[int], tuple[tuple[int, int], ...]] = {
    frozenset({13, 16, 19}): ((4, 4),),
    frozenset({14, 16}): ((300, 305), (3095, 3095), (36, 36), (38, 39)),
    frozenset({15}): ((34, 34), (37, 37), (1, 1)),
    frozenset({16}): ((51, 55), (2221, 2720), (5019, 5019)),
    frozenset({16, 17, 18, 19}): (
        (3528, 3589),
        (6011, 6011),
        (644, 659),
        (2200, 2204),
        (60, 60),
        (508, 508),
    ),
    frozenset(range(12, 20)): (
        (5018, 5018),
        (5020, 5020),
        (5038, 5038),
        (5893, 5893),
        (6304, 6304),
        (6759, 6759),
        (6761, 6763),
    ),
}
"""Ranges of leading digits by length of number.

Source: ISO/IEC 7812 issuer ranges as published by Visa, Diners, American
Express, UATP, Mastercard, Dankort, JCB, Discover, Mir, RuPay and Maestro.
"""

UNIONPAY: Mapping[str, frozenset[int]] = {
    "62": frozenset({16, 17, 18, 19}),
    "9558": frozenset({19}),
    "601382": frozenset({19}),
    "601428": frozenset({19}),
}
"""Prefixes of cards of Chinese banks (62: UnionPay; the rest: older debit cards)."""


def _number(first: str) -> re.Pattern[str]:
    """Digits in one run, or grouped as cards print them, starting with `first`.

    A decimal fraction and the last part of a UUID also end in long runs of
    digits: what follows `0.` or four hexadecimal digits and a hyphen is not
    looked at, nor what goes on after a point.
    """
    return re.compile(
        opening(first)
        + r"(?<![0-9]\.[0-9])(?<![0-9A-Fa-f]{4}-[0-9])(?:"
        + r"[0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(\1[0-9]{1,3})?"
        + r"|[0-9]{3}([ -])[0-9]{6}\3[0-9]{4,5}"
        + r"|[0-9]{5}[ -][0-9]{10,13}|[0-9]{11,18})"
        + RIGHT
        + r"(?!\.[0-9])"
    )


def credit_card(digits: str) -> bool:
    """Whether digits are a card number: Luhn, and a length its issuer uses.

    A 13-digit Visa number that is also a valid bar code is taken for the latter.

    >>> credit_card("371449635398431"), credit_card("371449635398432")
    (True, False)
    """
    if not luhn(digits) or ean13(digits):
        return False
    return any(
        low <= int(digits[: len(str(low))]) <= high
        for sizes, ranges in ISSUERS.items()
        if len(digits) in sizes
        for low, high in ranges
    )


def bank_card(digits: str) -> bool:
    """Whether digits are a card of a Chinese bank: prefix, length and Luhn.

    >>> bank_card("6222021234567890128"), bank_card("6222021234567890127")
    (True, False)
    """
    issued = any(
        digits.startswith(prefix) and len(digits) in sizes for prefix, sizes in UNIONPAY.items()
    )
    return issued and luhn(digits)


def _longest(valid: Callable[[str], bool]) -> Accept:
    """Try the number with its fifth group, then without: that may be a security code."""

    def accept(match: re.Match[str]) -> tuple[int, int] | None:
        for end in (match.end(), match.start(2)):
            if end > 0 and valid(compact(match.string[match.start() : end])):
                return match.start(), end
        return None

    return accept


RULES: tuple[Rule, ...] = (
    Rule("bank_card", _number("[69]"), _longest(bank_card), numeric=True),
    Rule("credit_card", _number("[1-6]"), _longest(credit_card), numeric=True),
)
