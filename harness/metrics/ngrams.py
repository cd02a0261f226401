"""Count what repeats: within one text, and across a set of texts.

Documents are sequences of int64 token ids; n-grams never cross documents.
"""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Sequence

import numpy as np

from harness.metrics.repeats import Doc, holdings, in_a_row, repeats

LOOP_REPEATS = 3
LOOP_TOKENS = 6


def distinct_n(docs: Sequence[Doc], n: int) -> float | None:
    """Different n-grams over all n-grams of a set; None where there are none.

    A value in (0, 1]; higher is more diverse. It falls as texts are added or
    grow (Heaps' law), so only sets of equal size and length compare:
    `distinct_n_within` is the form for sets whose lengths differ.

    Source: Li et al. (2016), A diversity-promoting objective function.

    >>> distinct_n([[1, 2, 1], [1, 2]], 2)  # (1 2) (2 1) (1 2): two of three
    0.6666666666666666
    """
    return distinct_up_to(docs, n)[-1]


def distinct_up_to(docs: Sequence[Doc], n: int) -> tuple[float | None, ...]:
    """Distinct-1, distinct-2, ..., distinct-n of a set in one pass.

    >>> distinct_up_to([[1, 2, 1]], 4)
    (0.6666666666666666, 1.0, 1.0, None)
    """
    orders = repeats(in_a_row(docs), n)
    return tuple(order.distinct / order.total if order.total else None for order in orders)


def distinct_n_within(docs: Sequence[Doc], n: int, budget: int) -> float | None:
    """Distinct-n of the first `budget` tokens of a set, taken from its documents in turn.

    Every document gives its first token, then its second, and so on until the
    budget is spent: each is cut to one length, and the short ones stay whole.
    So a set of longer texts is read no further than a set of shorter ones.
    None where the set has fewer tokens, because a smaller sample scores higher.

    Args:
        docs: Token ids of each document, int64.
        n: Tokens in an n-gram, >= 1.
        budget: Tokens to read, >= 1. Part of the metric's name.

    >>> distinct_n_within([[1, 1, 1, 1, 1], [2, 3]], 1, 4)  # reads 1 1 and 2 3
    0.75
    """
    tokens = in_a_row(docs)
    if len(tokens.ids) < budget:
        return None
    share = _shares(tokens.lengths.tolist(), budget)
    return distinct_n([doc[:size] for doc, size in zip(docs, share, strict=True)], n)


def self_repetition(docs: Sequence[Doc], n: int = 4) -> float | None:
    """Mean over documents of log(1 + repeats), in nats; lower is more diverse.

    The repeats of a document are, summed over its different n-grams, how many
    other documents hold each. A document shorter than n has none and counts 0.
    None under two documents, and where no document has n tokens.

    Source: Salkar et al. (2022), Self-Repetition in Abstractive Neural
    Summarizers; with each n-gram of a document counted once, as the
    `diversity` package (Shaib et al., 2024) counts.

    >>> round(self_repetition([[1, 2, 3], [1, 2, 4], [9]], n=2), 6)  # 2 * log(2) / 3
    0.462098
    """
    if len(docs) < 2:
        return None
    tokens = in_a_row(docs)
    [last] = deque(repeats(tokens, n), maxlen=1)
    if not last.total:
        return None
    held = holdings(tokens, last)
    others = np.bincount(held.gram)[held.gram] - 1
    summed = np.bincount(held.doc, others, len(docs))
    return float(np.log1p(summed).mean())


def repetition(doc: Doc, n: int) -> tuple[int, int]:
    """Count the n-grams of one text that it has said before, and all its n-grams.

    Their ratio over a set is rep-n: 0 where nothing repeats.

    Source: Welleck et al. (2020), Neural text generation with unlikelihood
    training (seq-rep-n).

    >>> repetition([1, 2, 1, 2], 2)  # (1 2) (2 1) (1 2)
    (1, 3)
    """
    row = doc.tolist() if isinstance(doc, np.ndarray) else list(doc)
    total = max(len(row) - n + 1, 0)
    different = len(set(zip(*(row[start:] for start in range(n)), strict=False)))
    return total - different, total


def ends_in_loop(doc: Doc) -> bool:
    """Tell whether a text ends in one phrase, of any length, said three times or more.

    A phrase has at least two tokens, so the loop has at least six: "...",
    "no, no, no" and "ha ha ha" are no loops, one word six times is. The last
    time may be cut anywhere, as a limit of tokens cuts it, if three whole
    lengths of the phrase are there. Linear in the length of the text.

    Source: Holtzman et al. (2020), The curious case of neural text
    degeneration, figure 9 (a phrase of at least two tokens that repeats at
    least three times at the end); periods by Knuth, Morris and Pratt (1977).

    >>> ends_in_loop([7, 1, 2, 1, 2, 1, 2, 1]), ends_in_loop([1, 2, 1, 2, 7])
    (True, False)
    """
    tail = (doc.tolist() if isinstance(doc, np.ndarray) else list(doc))[::-1]
    border = [0] * len(tail)
    for end in range(1, len(tail)):
        width = border[end - 1]
        while width and tail[end] != tail[width]:
            width = border[width - 1]
        border[end] = width + (tail[end] == tail[width])
        size = end + 1
        if size >= LOOP_TOKENS and LOOP_REPEATS * (size - border[end]) <= size:
            return True
    return False


def compression_ratio(texts: Sequence[str]) -> float | None:
    """Bytes of the texts over their bytes in one gzip at level 9; None where all are empty.

    Texts are joined by a space, in the order given, as UTF-8. Higher is more
    redundant. A short set is below 1: gzip's frame weighs more than it saves.
    A repeat further back than gzip's window of 32 KiB saves nothing.

    Source: Shaib et al. (2024), Standardizing the measurement of text
    diversity.

    >>> compression_ratio(["ab" * 500]) > 20
    True
    """
    if not any(texts):
        return None
    data = " ".join(texts).encode("utf-8", "surrogatepass")
    return len(data) / len(gzip.compress(data, compresslevel=9, mtime=0))


def _shares(lengths: list[int], budget: int) -> list[int]:
    """Tokens each document gives when they give one each in turn; they have enough."""
    left, size, rest = budget, 0, sorted(lengths)
    for place, length in enumerate(rest):
        givers = len(rest) - place
        if (length - size) * givers > left:
            size += left // givers
            left %= givers
            break
        left -= (length - size) * givers
        size = length
    shares = []
    for length in lengths:
        extra = left > 0 and length > size
        left -= extra
        shares.append(min(length, size) + extra)
    return shares


__all__ = [
    "compression_ratio",
    "distinct_n",
    "distinct_n_within",
    "distinct_up_to",
    "ends_in_loop",
    "repetition",
    "self_repetition",
]
