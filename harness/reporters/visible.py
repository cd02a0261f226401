"""Make characters visible that would hide, reorder or overwrite text."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_VARIATIONS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_STYLES = "\ufe0e\ufe0f"
# Printable ASCII, Latin-1 letters and common CJK are never hidden: skip them fast.
_SUSPECT = re.compile(r"[^\n\t -~\u00ae-\u024f\u3041-\u3096\u4e00-\u9fa5]")
_INVISIBLE = re.compile(f"[{_BLANK_LETTERS}{_VARIATIONS}]")


def visible(text: str) -> str:
    r"""Replace what cannot be seen by what can; newline and tab stay.

    Control characters become their pictures, and everything else that is
    invisible, changes direction, is unassigned or is half of a surrogate pair
    becomes `\u{...}`. The result is safe to write as UTF-8, XML 1.0, or to a
    terminal. One style selector after a symbol (an emoji) is left alone.

    >>> visible("safe\x1b[31m")
    'safe␛[31m'
    >>> visible("abc\u202edcba")
    'abc\\u{202e}dcba'
    """
    return _SUSPECT.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    char = match.group()
    if char in _STYLES and _after_symbol(match):
        return char
    if unicodedata.category(char) in _HIDDEN or _INVISIBLE.match(char):
        return _marker(char)
    return char


def _after_symbol(match: re.Match[str]) -> bool:
    start = match.start()
    return start > 0 and unicodedata.category(match.string[start - 1]) in ("So", "Sm")


def _marker(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\u{{{code:x}}}"
