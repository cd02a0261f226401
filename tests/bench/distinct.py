"""Time distinct-1..4 of 100,000 texts against Python sets of tuples."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.metrics.ngrams import distinct_up_to

T = TypeVar("T")
TOKENS, VOCABULARY, ORDERS = 55, 50_000, 4


def texts(count: int) -> list[NDArray[np.int64]]:
    """Documents of 45 to 65 tokens, ids spread over 64 bits, drawn by Zipf's law."""
    rng = np.random.default_rng(7)
    ids = rng.integers(-(2**63), 2**63 - 1, VOCABULARY)
    edges = np.cumsum(1 / np.arange(1, VOCABULARY + 1))
    lengths = rng.integers(TOKENS - 10, TOKENS + 11, count)
    row = ids[np.searchsorted(edges, rng.random(int(lengths.sum())) * edges[-1])]
    return np.split(row, np.cumsum(lengths)[:-1])


def with_sets(docs: list[list[int]]) -> list[float]:
    """The peer: one set of tuples an order."""
    ratios = []
    for n in range(1, ORDERS + 1):
        seen: set[tuple[int, ...]] = set()
        total = 0
        for doc in docs:
            grams = list(zip(*(doc[start:] for start in range(n)), strict=False))
            seen.update(grams)
            total += len(grams)
        ratios.append(len(seen) / total)
    return ratios


def seconds_of(function: Callable[..., T], *args: object) -> tuple[float, T]:
    """Wall seconds of one call, and what it returned."""
    start = time.perf_counter()
    value = function(*args)
    return time.perf_counter() - start, value


def main() -> None:
    """Print one line of JSON."""
    docs = texts(100_000)
    distinct_up_to(docs[:1000], ORDERS)
    ours = {
        str(size): min(seconds_of(distinct_up_to, docs[:size], ORDERS)[0] for _ in range(3))
        for size in (1000, 10_000, 100_000)
    }
    value = distinct_up_to(docs, ORDERS)
    rows = [doc.tolist() for doc in docs]
    peer, expected = seconds_of(with_sets, rows)
    line = {
        "bench": "distinct_1_to_4",
        "seconds": ours,
        "python_sets_seconds": {"100000": peer},
        "ratio": peer / ours["100000"],
        "largest_difference": float(np.abs(np.array(value) - np.array(expected)).max()),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
