"""Find which n-grams of a set occur more than once, and where: exactly, by sorting.

Everything the n-gram metrics ask is answered by the repeated n-grams alone,
because one that occurs once is distinct and matches nothing. An n-gram can only
repeat where both its (n-1)-grams repeat, so each order sorts what is left of
the one before. No hash of an n-gram is ever compared: equal means equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doc = Sequence[int] | NDArray[np.int64]
Ints = NDArray[np.signedinteger[Any]]

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio (Knuth): spreads any ids


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of all documents in a row. `ids`: int64 [T]. `lengths`: int64 [D]."""

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Repeats:
    """The n-grams of one order that occur at least twice.

    `total` n-grams in all, `distinct` of them different, `repeated` of those
    more than once. `codes`: int [T], at each token the number, from 0 below
    `repeated`, of the repeated n-gram that starts there, or -1.
    """

    n: int
    total: int
    distinct: int
    repeated: int
    codes: Ints


@dataclass(frozen=True, slots=True)
class Holdings:
    """Which document holds which repeated n-gram how often, each int64 [H]; grams ascend."""

    gram: NDArray[np.int64]
    doc: NDArray[np.int64]
    count: NDArray[np.int64]


def in_a_row(docs: Sequence[Doc]) -> Tokens:
    """Lay documents, each a sequence of int64 ids, end to end."""
    rows = [np.asarray(doc, dtype=np.int64) for doc in docs]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    return Tokens(np.concatenate(rows) if rows else np.empty(0, dtype=np.int64), lengths)


def repeats(tokens: Tokens, up_to: int) -> Iterator[Repeats]:
    """Yield the repeated n-grams of order 1, 2, ..., `up_to`; none crosses a document.

    Time: one sort an order, of the n-grams whose parts repeat.
    """
    codes, repeated, once = _number_tokens(tokens.ids)
    yield Repeats(1, len(tokens.ids), repeated + once, repeated, codes)
    last_tokens = (np.cumsum(tokens.lengths) - 1)[tokens.lengths > 0]
    for n in range(2, up_to + 1):
        follows = (codes[:-1] >= 0) & (codes[1:] >= 0)
        if n == 2:  # from order 3 on the two parts overlap, so both are of one document
            follows[last_tokens[:-1]] = False
        pairs = codes[:-1][follows].astype(np.int64)
        pairs *= repeated
        pairs += codes[1:][follows]
        numbers, repeated, once = _number(pairs)
        total = int(np.maximum(tokens.lengths - n + 1, 0).sum())
        occurrences = int(np.count_nonzero(numbers >= 0))
        codes = np.full_like(codes, -1)
        codes[:-1][follows] = numbers
        yield Repeats(n, total, total - occurrences + repeated, repeated, codes)


def holdings(tokens: Tokens, found: Repeats) -> Holdings:
    """Count each repeated n-gram in each document that holds it."""
    documents = len(tokens.lengths)
    keys = np.repeat(np.arange(documents), tokens.lengths)[found.codes >= 0]
    keys += found.codes[found.codes >= 0].astype(np.int64) * documents
    keys.sort()
    runs = np.flatnonzero(_differs_from_previous(keys))
    gram, doc = np.divmod(keys[runs], max(documents, 1))
    return Holdings(gram, doc, np.diff(runs, append=len(keys)))


def _number_tokens(ids: NDArray[np.int64]) -> tuple[Ints, int, int]:
    """Number the ids that repeat; see `_number`. Fast where the vocabulary is small."""
    ranked = np.sort(ids)
    heads = np.flatnonzero(_differs_from_previous(ranked))
    vocabulary = ranked[heads]
    several = np.diff(heads, append=len(ids)) > 1
    numbers = np.where(several, np.cumsum(several) - 1, -1).astype(_width(len(ids)))
    codes: Ints = numbers[_places(vocabulary, ids)]
    return codes, int(several.sum()), int((~several).sum())


def _places(vocabulary: NDArray[np.int64], ids: NDArray[np.int64]) -> Ints:
    """Find where each id is in the sorted vocabulary that holds them all.

    By a hash table with one entry a slot; what another id displaced is looked
    up by bisection. Several times faster than bisection for all.
    """
    if not len(ids):
        return np.empty(0, dtype=np.int64)
    shift = np.uint64(62 - len(vocabulary).bit_length())
    table = np.zeros(1 << (64 - int(shift)), dtype=_width(len(vocabulary)))
    table[(vocabulary.view(np.uint64) * _ODD) >> shift] = np.arange(len(vocabulary))
    places: Ints = table[(ids.view(np.uint64) * _ODD) >> shift]
    displaced = np.flatnonzero(vocabulary[places] != ids)
    places[displaced] = np.searchsorted(vocabulary, ids[displaced])
    return places


def _number(keys: NDArray[np.int64]) -> tuple[Ints, int, int]:
    """Number the keys (>= 0) that repeat, from 0; -1 for one that occurs once.

    Returns:
        The number of each key, int [len(keys)]; how many different keys repeat;
        how many occur once.
    """
    bits = len(keys).bit_length()
    if len(keys) and int(keys.max()).bit_length() + bits > 63:
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
    else:
        # Sorting key and place as one integer is several times faster than argsort.
        ranked = (keys << bits) | np.arange(len(keys))
        ranked.sort()
        order = ranked & ((1 << bits) - 1)
        ranked >>= bits
    new = _differs_from_previous(ranked)
    single = new & np.append(new[1:], True)[: len(new)]
    several = np.flatnonzero(~single)
    groups = np.cumsum(new[several])
    numbers: Ints = np.full(len(keys), -1, dtype=_width(len(keys)))
    numbers[order[several]] = groups - 1
    return numbers, int(groups[-1]) if len(groups) else 0, int(np.count_nonzero(single))


def _differs_from_previous(ranked: NDArray[np.int64]) -> NDArray[np.bool_]:
    new = np.ones(len(ranked), dtype=bool)
    np.not_equal(ranked[1:], ranked[:-1], out=new[1:])
    return new


def _width(count: int) -> type[np.signedinteger[Any]]:
    return np.int32 if count < 2**31 else np.int64


__all__ = ["Doc", "Holdings", "Repeats", "Tokens", "holdings", "in_a_row", "repeats"]
