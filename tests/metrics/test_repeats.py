"""The index of repeated n-grams against counting with dictionaries."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics import repeats as room
from harness.metrics.repeats import holdings, in_a_row, repeats

DOCS = st.lists(st.lists(st.integers(-2, 2) | st.integers(-(2**63), 2**63 - 1), max_size=9))


def grams_of(doc: list[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(doc[i : i + n]) for i in range(len(doc) - n + 1)]


@given(DOCS, st.integers(1, 5))
def test_counts_equal_counting_with_dictionaries(docs: list[list[int]], n: int) -> None:
    tokens = in_a_row(docs)
    *_, found = repeats(tokens, n)
    everywhere = Counter(gram for doc in docs for gram in grams_of(doc, n))
    several = {gram for gram, count in everywhere.items() if count > 1}
    assert found.n == n
    assert found.total == everywhere.total()
    assert found.distinct == len(everywhere)
    assert found.repeated == len(several)
    held = holdings(tokens, found)
    expected = sorted(
        (place, count)
        for place, doc in enumerate(docs)
        for gram, count in Counter(grams_of(doc, n)).items()
        if gram in several
    )
    assert sorted(zip(held.doc.tolist(), held.count.tolist(), strict=True)) == expected


@given(DOCS)
def test_equal_codes_mean_equal_ngrams(docs: list[list[int]]) -> None:
    tokens = in_a_row(docs)
    for found in repeats(tokens, 3):
        named: dict[int, set[tuple[int, ...]]] = {}
        for start in np.flatnonzero(found.codes >= 0).tolist():
            gram = tuple(tokens.ids[start : start + found.n].tolist())
            named.setdefault(int(found.codes[start]), set()).add(gram)
        assert all(len(grams) == 1 for grams in named.values())
        assert len({gram for grams in named.values() for gram in grams}) == found.repeated
        assert sorted(named) == list(range(found.repeated))


def test_keys_too_wide_to_pack_give_the_same_numbers() -> None:
    narrow = np.array([5, 3, 5, 9, 3, 5, 1], dtype=np.int64)
    wide = narrow + 2**62
    for keys in (narrow, wide):
        numbers, repeated, once = room._number(keys)
        assert (numbers.tolist(), repeated, once) == ([1, 0, 1, -1, 0, 1, -1], 2, 2)


@pytest.mark.parametrize("size", [1, 2, 1000, 40_000])
def test_every_id_is_found_whatever_the_table_displaced(size: int) -> None:
    rng = np.random.default_rng(size)
    ids = rng.integers(-(2**63), 2**63 - 1, size)
    vocabulary = np.unique(ids)
    assert np.array_equal(vocabulary[room._places(vocabulary, ids)], ids)


def test_no_document_and_only_empty_documents_have_no_ngrams() -> None:
    for count in range(3):
        tokens = in_a_row([[]] * count)
        for found in repeats(tokens, 3):
            assert (found.total, found.distinct, found.repeated) == (0, 0, 0)
            assert len(holdings(tokens, found).gram) == 0
