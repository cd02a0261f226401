"""How one type of finding is recognised: a cheap gate, a pattern, and a check of the match."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Accept = Callable[[re.Match[str]], tuple[int, int] | None]
RIGHT = "(?![0-9A-Za-z])"
CONTEXT_WIDTH = 40
_ALNUM = "[0-9A-Za-z]"


def opening(first: str, *, before: str = _ALNUM) -> str:
    """Pattern of a `first` character (one, or a set) with no letter or digit `before` it.

    The same as `(?<![0-9A-Za-z])` and then `first`, but the boundary looks two
    back from behind the character: `re` skips fast to a leading set, not to a
    leading lookbehind, which made the whole pass twice as slow.
    """
    return rf"{first}(?<!{before}[\s\S])"


def whole(match: re.Match[str]) -> tuple[int, int] | None:
    """Accept any match, all of it."""
    return match.span()


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of one type.

    `hints`: the pattern cannot match a text that holds none of them (empty:
    always tried). `numeric`: it cannot match a text without seven digits in a
    row, separators aside. `accept` narrows a match to the finding's span, or
    rejects it with None.
    """

    type: str
    pattern: re.Pattern[str]
    accept: Accept = whole
    hints: tuple[str, ...] = ()
    numeric: bool = False


def checked(valid: Callable[[str], bool]) -> Accept:
    """Accept a match whose text, without spaces, hyphens and dots, is `valid`."""

    def accept(match: re.Match[str]) -> tuple[int, int] | None:
        return match.span() if valid(compact(match[0])) else None

    return accept


def beside(words: str) -> Accept:
    """Accept a match with one of `words` (a pattern) in the 40 characters before it."""
    nearby = re.compile(words, re.IGNORECASE)

    def accept(match: re.Match[str]) -> tuple[int, int] | None:
        start = match.start()
        found = nearby.search(match.string, max(0, start - CONTEXT_WIDTH), start)
        return match.span() if found else None

    return accept


def compact(text: str) -> str:
    """Drop the separators people put into numbers.

    >>> compact("4012-8888 8888.1881")
    '4012888888881881'
    """
    return text.translate(_SEPARATORS)


_SEPARATORS = {ord(character): None for character in " -.()"}
