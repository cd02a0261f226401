"""Self-BLEU: how well each text is predicted by all the others, exactly and in linear time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.metrics.repeats import Doc, Repeats, Tokens, holdings, in_a_row, repeats

EPSILON = 0.1
"""What smoothing method 1 counts where an order matched nothing."""


def self_bleu(docs: Sequence[Doc], n: int = 4) -> float | None:
    """Mean over documents of BLEU-n against all other documents; None under two documents.

    Args:
        docs: Token ids of each document, int64.
        n: The longest n-gram, >= 1; orders 1..n weigh the same.

    Returns:
        A value in [0, 1]: 1 for equal documents of at least n tokens, lower
        for more diverse ones. A document that shares no token with the others
        counts 0; so does an empty one.

    Source: Zhu et al. (2018), Texygen (self-BLEU); Papineni et al.
    (2002) (BLEU); Chen and Cherry (2014), smoothing 1. Equal to NLTK's
    `sentence_bleu` with `SmoothingFunction().method1`. fast-bleu holds its
    weights in float32, hence differs by up to 1e-7.

    >>> round(self_bleu([[1, 2, 3], [1, 2, 4], [5, 6]], n=2), 6)  # 2 * sqrt(2/3 * 1/2) / 3
    0.3849
    """
    if len(docs) < 2:
        return None
    return float(self_bleu_by_document(docs, n).mean())


def self_bleu_by_document(docs: Sequence[Doc], n: int = 4) -> NDArray[np.float64]:
    """BLEU-n of each document against all others, float64 [D]; at least two documents."""
    tokens = in_a_row(docs)
    lengths = tokens.lengths
    log_precision = np.zeros(len(lengths))
    matched_any = np.zeros(len(lengths), dtype=bool)
    for order in repeats(tokens, n):
        matched = _clipped_matches(tokens, order)
        if order.n == 1:
            matched_any = matched > 0
        # At least 1, as NLTK has it: a document shorter than n has no n-grams.
        total = np.maximum(lengths - order.n + 1, 1)
        log_precision += np.log(np.where(matched > 0, matched, EPSILON) / total) / n
    score = np.exp(log_precision + _log_brevity(lengths))
    return np.where(matched_any, score, 0.0)


def _clipped_matches(tokens: Tokens, found: Repeats) -> NDArray[np.float64]:
    """Count, for each document, its n-grams that other documents hold, float64 [D].

    Each n-gram counts at most as often as in the one other document that has
    the most of it. That document is the largest holder for all but the sole
    largest holder itself, for which it is the second largest.
    """
    held = holdings(tokens, found)
    if not len(held.gram):
        return np.zeros(len(tokens.lengths))
    heads = np.flatnonzero(np.diff(held.gram, prepend=-1))
    is_largest = held.count == np.maximum.reduceat(held.count, heads)[held.gram]
    holders_of_largest = np.add.reduceat(is_largest.astype(np.int64), heads)[held.gram]
    is_sole = is_largest & (holders_of_largest == 1)
    second = np.maximum.reduceat(np.where(is_sole, 0, held.count), heads)[held.gram]
    matches = np.where(is_sole, second, held.count)
    matched = np.zeros(len(tokens.lengths))
    np.add.at(matched, held.doc, matches)
    return matched


def _log_brevity(lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log of the penalty against the nearest other length; of two as near, the shorter."""
    order = np.argsort(lengths, kind="stable")
    ranked = lengths[order]
    gaps = np.diff(ranked)
    beyond = [ranked[-1] + 1]
    under, over = np.concatenate((beyond, gaps)), np.concatenate((gaps, beyond))
    nearest = np.where(under <= over, ranked - under, ranked + over)
    log_penalty = np.zeros(len(lengths))
    # The penalty of an empty document does not matter: it matches nothing.
    log_penalty[order] = np.minimum(0.0, 1.0 - nearest / np.maximum(ranked, 1))
    return log_penalty


__all__ = ["EPSILON", "self_bleu", "self_bleu_by_document"]
