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

_END = re.compile(r"(?<=[.!?…])[ \t\n]+|\n+")
_SENTENCE, _STRETCH, _SIGN = 4, 8, 2


def words(tokens: Iterable[str]) -> list[str]:
    """Keep the tokens that hold a letter; a character of an unspaced script is one word.

    >>> words(["hello", "你好world", "42", "--"])
    ['hello', '你', '好', 'world']
    """
    pieces = (piece for token in tokens for piece in _UNSPACED.split(token))
    return [piece for piece in pieces if any(map(str.isalpha, piece))]


def sentences(text: str) -> list[str]:
    r"""Cut a text after full stops, question and exclamation marks, and at ends of lines.

    >>> sentences("Of course. Is that all?\nGoodbye")
    ['Of course.', 'Is that all?', 'Goodbye']
    """
    return [part for part in _END.split(text) if part.strip()]


def least_share(known: Sequence[Sequence[bool]]) -> float:
    """Share of words that are known where it is least.

    Looked at are the whole text, each sentence of four words or more, and each
    stretch of eight words: a sentence in another language must not hide among
    many that are read. Fewer words would make every name and code suspect.

    Args:
        known: By sentence, whether each of its words is known. None at all gives 1.

    >>> least_share([[True] * 8, [False, False, False, True]])
    0.25
    """
    every = [word for sentence in known for word in sentence]
    stretches = [every[i : i + _STRETCH] for i in range(len(every) - _STRETCH + 1)]
    parts = [every, *stretches, *(s for s in known if len(s) >= _SENTENCE)]
    return min((sum(part) / len(part) for part in parts if part), default=1.0)


def script_share(text: str, scripts: Sequence[str]) -> float:
    """Share of a text's words in the named scripts where it is least: 1, or 0.

    It is 0 as soon as one word has a letter of another script, since nobody
    has read that word. Signs such as `Ω` and `µm` are no such words.

    Args:
        text: Any text. One without words gives 1.
        scripts: First words of Unicode character names, such as `LATIN`.

    >>> script_share("hello 你好", ["LATIN"]), script_share("5 µm of copper", ["LATIN"])
    (0.0, 1.0)
    """
    wanted = (*scripts, "MODIFIER LETTER")
    return float(all(_in_scripts(word, wanted) for word in words(text.split())))


def _in_scripts(word: str, scripts: tuple[str, ...]) -> bool:
    letters = [c for c in unicodedata.normalize("NFKC", word) if c.isalpha()]
    others = [name for name in map(_name, letters) if not name.startswith(scripts)]
    sign = len(letters) <= _SIGN and all(name.startswith("GREEK") for name in others)
    return not others or sign


def _name(letter: str) -> str:
    return unicodedata.name(letter, "")
