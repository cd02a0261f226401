"""Cut text into the words that n-gram metrics count, and number the words.

A metric of n-grams is a metric of its segmenter, so there is one, and
`SEGMENTER` names it in the signature of every metric that used it.

Limits: scripts written without spaces other than Han (Thai, Lao, Khmer,
Japanese kana) are cut at punctuation only.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.metadata import version

SEGMENTER: str = f"words-1+nfkc+lower+jieba-{version('jieba')}-no-hmm"
"""The segmenter, with what decides its cuts."""

_HAN = (
    "\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_HAN_RUN = re.compile(f"([{_HAN}]+)")
_JOINERS = "\u200c\u200d"
_APOSTROPHES = "'\u2019"


def words(text: str) -> list[str]:
    """Cut text into words, numbers and single punctuation marks.

    The text is put in NFKC, so that full-width and composed forms of one
    character are one token, and in lower case, because a capital says where in
    a sentence a word stands, not that another word was chosen. Runs of Han are
    cut with jieba's dictionary without its hidden Markov model: the same text
    always gives the same words. Combining marks and joiners stay in the word
    they modify; white space, control and format characters are dropped.

    Source: Unicode Standard Annex 15 (NFKC); jieba (dictionary, most probable path).

    >>> words("Don't pay $1,000.50 in the \uff35\uff33\uff21!")
    ["don't", 'pay', '$', '1,000.50', 'in', 'the', 'usa', '!']
    """
    normal = unicodedata.normalize("NFKC", text).lower()
    pattern = _spaced_words()
    if not _HAN_RUN.search(normal):
        return pattern.findall(normal)
    found: list[str] = []
    for place, part in enumerate(_HAN_RUN.split(normal)):
        found += _han_words()(part) if place % 2 else pattern.findall(part)
    return found


def token_ids(tokens: Iterable[str]) -> list[int]:
    """Give each token its signed 64-bit id: the same in every process and on every machine.

    Two of a million different tokens share an id with a chance of 3e-8.

    >>> token_ids(["a", "b", "a"])
    [3405396810240292928, 8453121595177857668, 3405396810240292928]
    """
    return list(map(_token_id, tokens))


@lru_cache(maxsize=1 << 18)
def _token_id(token: str) -> int:
    digest = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


@cache
def _spaced_words() -> re.Pattern[str]:
    """Compile the pattern of a number, a word, or one mark, in text without Han."""
    joiner = f"[{_class_of('Mn', 'Mc', 'Me')}{_JOINERS}]"
    part = rf"[^\W_]+(?:{joiner}+[^\W_]*)*"
    word = f"{part}(?:[{_APOSTROPHES}]{part})*"
    number = r"\d+(?:[.,]\d+)+(?![^\W_])"
    mark = rf"[^\s{_class_of('Cc', 'Cf')}]{joiner}*"
    return re.compile(f"{number}|{word}|{mark}")


def _class_of(*categories: str) -> str:
    """Write the characters of some Unicode categories as ranges of a character class."""
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in _ranges(categories))


def _ranges(categories: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    # The planes between hold Han and private use only.
    low = high = -2
    for code in (*range(0x20000), *range(0xE0000, 0xE0200)):
        if unicodedata.category(chr(code)) not in categories:
            continue
        if code == high + 1:
            high = code
            continue
        if low >= 0:
            yield low, high
        low = high = code
    yield low, high


@cache
def _han_words() -> Callable[[str], list[str]]:
    """Load jieba's dictionary, without its log lines, its warnings and its shared cache.

    jieba keeps its parsed dictionary as a marshal file in the temporary folder,
    which anyone on the machine could have written; reading the dictionary of
    the package instead costs a second and depends on nothing else.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba

        segmenter = jieba.Tokenizer()
        segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True

    def cut(run: str) -> list[str]:
        return list(segmenter.cut(run, HMM=False))

    return cut


__all__ = ["SEGMENTER", "token_ids", "words"]
