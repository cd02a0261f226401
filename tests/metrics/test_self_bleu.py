"""Self-BLEU against NLTK, fast-bleu's README and a case worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from harness.metrics.self_bleu import self_bleu, self_bleu_by_document
from harness.metrics.tokens import token_ids

# README.md of Danial-Alh/fast-bleu, "Sample Usage".
README = [
    "It is a guide to action that ensures that the military will forever heed Party commands",
    "It is the guiding principle which guarantees the military forces always being under the "
    "command of the Party",
    "It is the practical guide for the army always to heed the directions of the party",
]
README_SCORES = {
    2: [0.25819888974716115, 0.3615507630310936, 0.37080992435478316],
    3: [0.07808966062765045, 0.20140620205719248, 0.21415334758254043],
}
SETS = st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=2, max_size=8)


def nltk_scores(docs: list[list[int]], n: int) -> list[float]:
    smooth = SmoothingFunction(epsilon=0.1).method1
    return [
        float(sentence_bleu(docs[:i] + docs[i + 1 :], doc, [1 / n] * n, smooth))
        for i, doc in enumerate(docs)
    ]


@pytest.mark.parametrize("n", [2, 3])
def test_fast_bleus_readme_is_reproduced_to_every_digit(n: int) -> None:
    docs = [token_ids(text.split()) for text in README]

    ours = self_bleu_by_document(docs, n)

    # fast-bleu keeps each weight 1/n in float32 (`vector<float>`); a half is
    # exact there, a third is not. No brevity penalty applies to these texts.
    in_float32 = ours ** (n * float(np.float32(1 / n)))
    assert in_float32 == pytest.approx(README_SCORES[n], rel=1e-14)
    assert ours == pytest.approx(README_SCORES[n], rel=1e-14 if n == 2 else 1e-7)


@given(SETS, st.integers(1, 5))
def test_every_document_scores_as_in_nltk(docs: list[list[int]], n: int) -> None:
    ours = self_bleu_by_document(docs, n)
    assert np.abs(ours - nltk_scores(docs, n)).max() <= 1e-12


def test_longer_texts_score_as_in_nltk() -> None:
    rng = np.random.default_rng(3)
    docs = [
        np.minimum(rng.pareto(0.6, size), 500).astype(int).tolist()
        for size in rng.integers(0, 60, 60)
    ]
    docs += [docs[5], docs[5], [], [1], [2, 2, 2, 2, 2, 2]]
    for n in (1, 2, 3, 4):
        expected = nltk_scores(docs, n)
        assert np.abs(self_bleu_by_document(docs, n) - expected).max() <= 1e-12
        assert self_bleu(docs, n) == pytest.approx(sum(expected) / len(docs), abs=1e-12)


def test_a_case_worked_by_hand() -> None:
    # First: 1 1 2 of 1 1 1 2 match (the other holds 1 twice, 2 once), so 3/4, and
    # (1 1) once, (1 2) once of three pairs, so 2/3. Second: 3 of 3 and 2 of 2,
    # with the penalty of 3 tokens against 4.
    scores = self_bleu_by_document([[1, 1, 1, 2], [1, 1, 2]], 2)
    assert scores == pytest.approx([math.sqrt(3 / 4 * 2 / 3), math.exp(1 - 4 / 3)], abs=1e-15)


def test_equal_documents_score_one_and_unlike_ones_nothing() -> None:
    assert self_bleu([[1, 2, 3, 4, 5]] * 3) == pytest.approx(1, abs=1e-15)
    assert self_bleu([[1, 2, 3], [4, 5, 6]]) == 0
    assert self_bleu([[], []]) == 0


def test_the_shorter_of_two_equally_near_lengths_is_taken() -> None:
    # Nearest to 4 are 3 and 5: the shorter gives no penalty.
    docs = [[1, 1, 1, 1], [1, 1, 1], [1, 1, 1, 1, 1]]
    assert self_bleu_by_document(docs, 1)[0] == 1


def test_one_document_has_no_reference() -> None:
    assert self_bleu([[1, 2, 3]]) is None
    assert self_bleu([]) is None


@given(SETS.flatmap(st.permutations), st.sets(st.integers(-(2**62), 2**62), min_size=5))
def test_order_and_naming_of_tokens_do_not_matter(
    docs: list[list[int]], names: set[int]
) -> None:
    name = list(names)
    renamed = [[name[token] for token in doc] for doc in reversed(docs)]
    assert self_bleu(renamed) == pytest.approx(self_bleu(docs), abs=1e-12)


@given(SETS)
def test_arrays_and_lists_are_the_same(docs: list[list[int]]) -> None:
    arrays = [np.array(doc, dtype=np.int64) for doc in docs]
    assert self_bleu(arrays) == self_bleu(docs)
