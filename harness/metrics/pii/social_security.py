"""Social security numbers of the United States."""

from __future__ import annotations

import re

from harness.metrics.pii.rule import RIGHT, Rule, beside, compact, opening

_MARKED = re.compile(
    rf"{opening('[0-8]')}(?<![0-9][-.][0-9])[0-9]{{2}}([-.])[0-9]{{2}}\1[0-9]{{4}}{RIGHT}(?![-.][0-9])"
)
_BARE = re.compile(rf"{opening('[0-8]')}[0-9]{{2}}( ?)[0-9]{{2}}\1[0-9]{{4}}{RIGHT}")
_NAMED = beside("SSN|social.security|社会安全|社会保障号|社安号")
_SAMPLES = frozenset({"078051120", "987654320", "123456789"})


def issued(digits: str) -> bool:
    """Whether nine digits can be a number ever given to a person.

    Excludes areas 000, 666 and 900 up, group 00, serial 0000 and the numbers
    printed in advertisements.

    Source: Social Security Administration, POMS RM 10201.035; the samples are
    those that Presidio's recogniser refuses.

    >>> issued("078051123"), issued("078051120"), issued("666051123")
    (True, False, False)
    """
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return (
        area not in {"000", "666"}
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
        and digits not in _SAMPLES
    )


def _marked(match: re.Match[str]) -> tuple[int, int] | None:
    return match.span() if issued(compact(match[0])) else None


def _bare(match: re.Match[str]) -> tuple[int, int] | None:
    """Nine digits alone, or set apart by spaces, need the number's name before them."""
    return _NAMED(match) if issued(compact(match[0])) else None


RULES: tuple[Rule, ...] = (
    Rule("us_ssn", _MARKED, _marked, numeric=True),
    Rule(
        "us_ssn", _BARE, _bare, hints=("ssn", "SSN", "ecurity", "ECURITY", "社"), numeric=True
    ),
)
