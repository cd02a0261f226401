"""Distinct-n, repetition, loops, self-repetition and compression against plain definitions."""

import gzip
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.ngrams import (
    compression_ratio,
    distinct_n,
    distinct_n_within,
    distinct_up_to,
    ends_in_loop,
    repetition,
    self_repetition,
)

DOC = st.lists(st.integers(0, 3), max_size=12)
DOCS = st.lists(DOC, max_size=8)


def grams_of(doc: list[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(doc[i : i + n]) for i in range(len(doc) - n + 1)]


@given(DOCS, st.integers(1, 5))
def test_distinct_n_equals_python_sets(docs: list[list[int]], n: int) -> None:
    grams = [gram for doc in docs for gram in grams_of(doc, n)]
    expected = len(set(grams)) / len(grams) if grams else None
    assert distinct_n(docs, n) == expected
    assert distinct_up_to(docs, 5)[n - 1] == expected


def test_ngrams_never_cross_documents() -> None:
    assert distinct_n([[1, 2], [1, 2]], 2) == 0.5
    assert distinct_n([[1], [2], [1], [2]], 2) is None


def test_nothing_to_count_is_none_and_not_zero() -> None:
    assert distinct_n([], 1) is None
    assert distinct_n([[], []], 1) is None
    assert distinct_n([[1, 2, 3]], 4) is None


@given(DOCS)
def test_saying_everything_twice_halves_distinct_n(docs: list[list[int]]) -> None:
    once = distinct_n(docs, 2)
    assert distinct_n(docs + docs, 2) == (once if once is None else pytest.approx(once / 2))


def in_turn(docs: list[list[int]], budget: int) -> list[list[int]]:
    taken: list[list[int]] = [[] for _ in docs]
    for place in range(max(map(len, docs))):
        for doc, some in zip(docs, taken, strict=True):
            if place < len(doc) and budget:
                some.append(doc[place])
                budget -= 1
    return taken


@given(DOCS, st.integers(1, 60), st.integers(1, 3))
def test_a_budget_reads_documents_in_turn(docs: list[list[int]], budget: int, n: int) -> None:
    enough = sum(map(len, docs)) >= budget
    expected = distinct_n(in_turn(docs, budget), n) if enough else None
    assert distinct_n_within(docs, n, budget) == expected


def test_a_budget_takes_the_length_of_texts_out_of_distinct_n() -> None:
    rng = np.random.default_rng(0)
    short = [rng.integers(0, 200, 20) for _ in range(100)]
    long = [np.concatenate((doc, rng.integers(0, 200, 60))) for doc in short]
    plain = distinct_n(short, 1), distinct_n(long, 1)
    assert plain[0] is not None
    assert plain[1] is not None
    assert plain[0] > 2 * plain[1]
    assert distinct_n_within(short, 1, 2000) == distinct_n_within(long, 1, 2000)


@given(DOC, st.integers(1, 4))
def test_repetition_counts_what_was_said_before(doc: list[int], n: int) -> None:
    counts = Counter(grams_of(doc, n))
    expected = sum(count - 1 for count in counts.values()), counts.total()
    assert repetition(doc, n) == expected
    assert repetition(np.array(doc, dtype=np.int64), n) == expected


@given(DOC)
def test_a_loop_is_found_wherever_the_definition_holds(doc: list[int]) -> None:
    tails = (doc[start:] for start in range(len(doc)))
    expected = any(
        tail[period:] == tail[:-period]
        for tail in tails
        for period in range(1, len(tail) // 3 + 1)
        if len(tail) >= 6
    )
    assert ends_in_loop(doc) == expected
    assert ends_in_loop(np.array(doc, dtype=np.int64)) == expected


@pytest.mark.parametrize(
    ("doc", "loops"),
    [
        ([], False),
        ([1, 1, 1], False),
        ([1, 1, 1, 1, 1, 1], True),
        ([1, 2, 1, 2, 1], False),
        ([9, 1, 2, 1, 2, 1, 2], True),
        ([1, 2, 1, 2, 1, 2, 9], False),
        ([5, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2], True),
        ([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3], False),
        (list(range(50)) * 3, True),
        (list(range(50)) * 2, False),
    ],
)
def test_three_times_is_a_loop_and_twice_is_not(doc: list[int], loops: bool) -> None:
    assert ends_in_loop(doc) is loops


@given(DOCS, st.integers(1, 4))
def test_self_repetition_equals_its_definition(docs: list[list[int]], n: int) -> None:
    held = [set(grams_of(doc, n)) for doc in docs]
    logs = [
        math.log(
            1 + sum(gram in other for gram in own for j, other in enumerate(held) if j != i)
        )
        for i, own in enumerate(held)
    ]
    expected = sum(logs) / len(docs) if len(docs) > 1 and any(held) else None
    assert self_repetition(docs, n) == (
        expected if expected is None else pytest.approx(expected, abs=1e-12)
    )


def test_self_repetition_ignores_what_a_text_repeats_of_itself() -> None:
    assert self_repetition([[1, 2] * 9, [3, 4] * 9]) == 0
    assert self_repetition([[1, 2, 3, 4], [1, 2, 3, 4]]) == pytest.approx(math.log(2))
    assert self_repetition([[1, 2, 3, 4]]) is None


def test_compression_ratio_is_one_gzip_of_the_joined_texts() -> None:
    texts = ["the cat sat", "the cat sat on the mat", "\u6c49\u5b57 \ud800"]
    data = b"the cat sat the cat sat on the mat \xe6\xb1\x89\xe5\xad\x97 \xed\xa0\x80"
    assert compression_ratio(texts) == len(data) / len(gzip.compress(data, 9, mtime=0))


def test_redundant_texts_compress_more_and_no_text_has_no_ratio() -> None:
    rng = np.random.default_rng(1)
    varied = ["".join(map(chr, rng.integers(97, 123, 60))) for _ in range(100)]
    same, different = compression_ratio([varied[0]] * 100), compression_ratio(varied)
    assert same is not None
    assert different is not None
    assert same > 20
    assert different < 2
    assert compression_ratio([]) is None
    assert compression_ratio(["", ""]) is None
