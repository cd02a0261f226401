"""International bank account numbers: the country's length and modulo 97."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.metrics.pii.checksums import mod97
from harness.metrics.pii.rule import Rule, compact, opening

_BY_LENGTH: Mapping[int, str] = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
LENGTHS: Mapping[str, int] = {
    country: length for length, row in _BY_LENGTH.items() for country in row.split()
}
"""Characters of an IBAN by country. Source: SWIFT, IBAN registry, version 101."""

_IBAN = re.compile(opening("[A-Z]") + "[A-Z][0-9]{2}(?:[ -]?[0-9A-Z]){11,29}")


def _of_country(match: re.Match[str]) -> tuple[int, int] | None:
    """Take as many characters as the country's numbers have; words may follow them."""
    places = [m.start() for m in _CHARACTER.finditer(match.string, *match.span())]
    length = LENGTHS.get(match[0][:2], _TOO_LONG)
    if length > len(places):
        return None
    start, end = match.start(), places[length - 1] + 1
    glued = _CHARACTER.match(match.string, end)
    return (start, end) if not glued and mod97(compact(match.string[start:end])) else None


_CHARACTER = re.compile("[0-9A-Za-z]")
_TOO_LONG = 99
RULES: tuple[Rule, ...] = (Rule("iban", _IBAN, _of_country),)
