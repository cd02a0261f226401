"""Which words of a text are in a script that a model reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

# Han, kana, Thai, Lao, Burmese and Khmer are written without spaces between words.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def words(tokens: Iterable[str]) -> list[str]:
    """Keep the tokens that hold a letter; a character of an unspaced script is one word.

    >>> words(["hello", "你好world", "42", "--"])
    ['hello', '你', '好', 'world']
    """
    pieces = (piece for token in tokens for piece in _UNSPACED.split(token))
    return [piece for piece in pieces if any(map(str.isalpha, piece))]


def script_share(text: str, scripts: Sequence[str]) -> float:
    """Share of a text's words whose first letter is in one of the named scripts.

    Args:
        text: Any text. One without words gives 1.
        scripts: First words of Unicode character names, such as `LATIN`.

    >>> script_share("hello 你好", ["LATIN"])
    0.3333333333333333
    """
    found = words(text.split())
    if not found:
        return 1.0
    return sum(_first_letter(word).startswith(tuple(scripts)) for word in found) / len(found)


def _first_letter(word: str) -> str:
    letter = next(filter(str.isalpha, unicodedata.normalize("NFKC", word)), "")
    return unicodedata.name(letter, "") if letter else ""
