"""Telephone numbers: international with a plus, and the common form of North America.

National numbers of other countries have no mark of their own and are not
looked for; Chinese mobile numbers are in `china`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.metrics.pii.rule import RIGHT, Rule, opening

_CODES = (
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58"
    " 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221"
    " 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242"
    " 243 244 245 246 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265"
    " 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371"
    " 372 373 374 375 376 377 378 380 381 382 383 385 386 387 389 420 421 423 500 501 502"
    " 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674"
    " 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 850 852 853 855"
    " 856 880 886 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 992"
    " 993 994 995 996 998"
)
COUNTRIES = frozenset(_CODES.split())
"""Country codes in use. Source: ITU-T E.164, list of assigned country codes."""

NATIONAL: Mapping[str, tuple[int, int]] = {
    "7": (10, 10), "31": (9, 9), "33": (9, 9), "34": (9, 9), "44": (9, 10), "49": (7, 11),
    "52": (10, 10), "55": (10, 11), "61": (9, 9), "65": (8, 8), "81": (9, 10), "82": (8, 10),
    "86": (10, 11), "91": (10, 10), "852": (8, 8), "853": (8, 8), "886": (8, 9),
}  # fmt: skip
"""Fewest and most digits after the country code, where they are narrower than 7 to 12."""

_ANY_LENGTH = (7, 12)
_LONGEST = 15
_SERVICE = "11"
_INTERNATIONAL = re.compile(
    rf"{opening('[+]', before='[0-9A-Za-z+]')}[1-9](?:[ .()-]{{0,3}}[0-9]){{6,15}}{RIGHT}"
)
_PLAIN = re.compile(
    rf"{opening('[1-9]')}(?<![0-9][-.][0-9])(?:(?<=1)[ .-][2-9])?[0-8][0-9]([ .-])"
    rf"[2-9][0-9]{{2}}\1[0-9]{{4}}{RIGHT}(?![-.][0-9])"
)
_BRACKETED = re.compile(
    rf"\((?<![0-9]\()[2-9][0-8][0-9]\)[ .-]?[2-9][0-9]{{2}}[ .-]?[0-9]{{4}}{RIGHT}(?![-.][0-9])"
)


def assigned(digits: str) -> bool:
    """Whether digits, country code first and no plus, can be a telephone number.

    Source: ITU-T E.164; for country code 1, the North American Numbering Plan.

    >>> assigned("14155550132"), assigned("11155550132"), assigned("442079460958")
    (True, False, True)
    """
    if len(digits) > _LONGEST:
        return False
    if digits[0] == "1":
        return len(digits) == 11 and _in_numbering_plan(digits[1:4], digits[4:7])
    for code in (digits[:3], digits[:2], digits[:1]):
        if code in COUNTRIES:
            low, high = NATIONAL.get(code, _ANY_LENGTH)
            return low <= len(digits) - len(code) <= high
    return False


def _in_numbering_plan(area: str, exchange: str) -> bool:
    """No area or exchange starts with 0 or 1, has 9 as an area's middle, or is like 911."""
    return (
        area[0] >= "2"
        and area[1] != "9"
        and exchange[0] >= "2"
        and _SERVICE not in (area[1:], exchange[1:])
    )


def _international(match: re.Match[str]) -> tuple[int, int] | None:
    """Take as many groups of digits as make an assigned number: more may follow it."""
    text = match[0]
    ends = [m.end() for m in re.finditer("[0-9](?![0-9])", text)]
    for end in reversed(ends):
        digits = re.sub("[^0-9]", "", text[:end].replace("(0)", ""))
        if digits and assigned(digits):
            return match.start(), match.start() + end
    return None


def _north_american(match: re.Match[str]) -> tuple[int, int] | None:
    digits = re.sub("[^0-9]", "", match[0])[-10:]
    valid = len(digits) == 10 and _in_numbering_plan(digits[:3], digits[3:6])
    return match.span() if valid else None


RULES: tuple[Rule, ...] = (
    Rule("phone", _INTERNATIONAL, _international, hints=("+",), numeric=True),
    Rule("phone", _PLAIN, _north_american, numeric=True),
    Rule("phone", _BRACKETED, _north_american, hints=("(",), numeric=True),
)
