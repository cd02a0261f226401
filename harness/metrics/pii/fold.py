"""Text as a reader sees it: full-width digits made plain, invisible characters dropped."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_INVISIBLE = frozenset({"Cf", "Mn", "Me"})
_PLAIN = frozenset({"Ll", "Lu", "Sc", "Sk", "Sm"})
_MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class View:
    """Folded `text`, and for each of its characters the index it had in the original."""

    text: str
    origins: Sequence[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Turn a span of the folded text, not empty, into one of the original."""
        return self.origins[start], self.origins[end - 1] + 1


def views(text: str) -> tuple[View, ...]:
    """Fold a text; in two ways when it holds invisible characters.

    A zero-width space may cut a number in two, or set it apart from a word:
    the first view drops it, the second keeps it as a boundary. ASCII is
    returned as it is.

    Characters are folded one by one as NFKC does where the result is a single
    ASCII character, decimal digits of any script included. Others stay: NFKC
    would turn a list mark into a digit and glue it to the number after it.

    >>> views("４\u200b２")[0]
    View(text='42', origins=[0, 2])
    """
    if text.isascii():
        return (View(text, range(len(text))),)
    plain = {c: folded for c in set(text) if (folded := _fold(c)) != c}
    invisible = {c for c, folded in plain.items() if not folded}
    for character in plain.keys() - invisible:
        text = text.replace(character, plain[character])
    kept = View(text, range(len(text)))
    if not invisible:
        return (kept,)
    seen = [i for i, character in enumerate(text) if character not in invisible]
    return View("".join(text[i] for i in seen), seen), kept


@lru_cache(maxsize=65536)
def _fold(character: str) -> str:
    """One ASCII character, the character itself, or nothing for an invisible one."""
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in _INVISIBLE:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character == _MINUS:
        return "-"
    if category == "Zs":
        return " "
    plain = unicodedata.normalize("NFKC", character)
    simple = len(plain) == 1 and plain.isascii()
    return plain if simple and (category in _PLAIN or category[0] == "P") else character
