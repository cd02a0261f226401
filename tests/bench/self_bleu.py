"""Time self-BLEU-4 at three sizes, and against NLTK at one size both can do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from numpy.typing import NDArray

from harness.metrics.self_bleu import self_bleu_by_document

T = TypeVar("T")
TOKENS, VOCABULARY, PEER = 55, 8000, 200


def texts(count: int) -> list[NDArray[np.int64]]:
    """Documents of about 55 tokens, drawn by Zipf's law with stock phrases in between."""
    rng = np.random.default_rng(7)
    chance = 1 / np.arange(1, VOCABULARY + 1)
    chance /= chance.sum()
    phrases = rng.choice(VOCABULARY, size=(300, 5), p=chance)
    docs = []
    for _ in range(count):
        parts = [
            phrases[rng.integers(300)]
            if rng.random() < 0.2
            else rng.choice(VOCABULARY, size=5, p=chance)
            for _ in range(int(rng.integers(TOKENS // 5 - 4, TOKENS // 5 + 5)))
        ]
        docs.append(np.concatenate(parts).astype(np.int64))
    return docs


def seconds_of(function: Callable[..., T], *args: object) -> tuple[float, T]:
    """Wall seconds of one call, and what it returned."""
    start = time.perf_counter()
    value = function(*args)
    return time.perf_counter() - start, value


def nltk_scores(docs: list[list[int]]) -> list[float]:
    """The peer: every document against all others, one by one."""
    smooth = SmoothingFunction().method1
    return [
        sentence_bleu(docs[:i] + docs[i + 1 :], doc, smoothing_function=smooth)
        for i, doc in enumerate(docs)
    ]


def main() -> None:
    """Print one line of JSON."""
    docs = texts(5000)
    self_bleu_by_document(docs[:50])
    ours = {
        str(size): min(seconds_of(self_bleu_by_document, docs[:size])[0] for _ in range(3))
        for size in (PEER, 500, 1000, 5000)
    }
    peer, expected = seconds_of(nltk_scores, [doc.tolist() for doc in docs[:PEER]])
    apart = np.abs(self_bleu_by_document(docs[:PEER]) - np.array(expected)).max()
    line = {
        "bench": "self_bleu_4",
        "seconds": ours,
        "nltk_seconds": {str(PEER): peer},
        "ratio": peer / ours[str(PEER)],
        "ratio_at": PEER,
        "largest_difference": float(apart),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
