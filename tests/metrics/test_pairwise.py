"""Mean distances over all pairs: by hand, pair by pair, and what leaves them alone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.errors import PluginError
from harness.metrics.pairwise import mean_cosine_distance, mean_squared_distance

SEEDS = st.integers(0, 10**6)
COUNTS = st.integers(2, 9)


def drawn(seed: int, count: int, width: int = 5) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(count, width)) + 0.5


def test_three_directions_are_worked_by_hand() -> None:
    # Cosines of the pairs: 0, 0.6 and 0.8; distances 1, 0.4 and 0.2.
    rows = np.array([[2.0, 0.0], [0.0, 1.0], [6.0, 8.0]])
    assert mean_cosine_distance(rows) == pytest.approx(1.6 / 3)
    # Squared distances: 5, 80 and 85.
    assert mean_squared_distance(rows) == pytest.approx(170 / 3)


def test_opposites_are_two_apart_and_equals_not_at_all() -> None:
    assert mean_cosine_distance(np.array([[1.0, 1.0], [-3.0, -3.0]])) == pytest.approx(2.0)
    same = np.tile(drawn(3, 1), (7, 1))
    assert mean_cosine_distance(same) == pytest.approx(0.0, abs=1e-15)
    assert mean_squared_distance(same) == pytest.approx(0.0, abs=1e-15)


@settings(max_examples=50, deadline=None)
@given(SEEDS, COUNTS)
def test_both_are_means_over_pairs_laid_out_one_by_one(seed: int, count: int) -> None:
    rows = drawn(seed, count)
    pairs = list(combinations(rows, 2))
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs]
    assert mean_cosine_distance(rows) == pytest.approx(1 - np.mean(cosines), abs=1e-12)
    squares = [((a - b) ** 2).sum() for a, b in pairs]
    assert mean_squared_distance(rows) == pytest.approx(np.mean(squares), rel=1e-12)


@settings(max_examples=50, deadline=None)
@given(SEEDS, COUNTS)
def test_neither_depends_on_order_nor_cosines_on_lengths_nor_squares_on_the_origin(
    seed: int, count: int
) -> None:
    rows = drawn(seed, count)
    mixed = np.random.default_rng(seed).permutation(rows)
    lengths = np.arange(1.0, count + 1)[:, None]
    assert mean_cosine_distance(mixed) == pytest.approx(mean_cosine_distance(rows), abs=1e-12)
    assert mean_cosine_distance(rows * lengths) == pytest.approx(
        mean_cosine_distance(rows), abs=1e-12
    )
    expected = pytest.approx(mean_squared_distance(rows), rel=1e-9)
    assert mean_squared_distance(mixed) == expected
    assert mean_squared_distance(rows + 100.0) == expected


def test_near_copies_far_from_the_origin_lose_no_digits() -> None:
    rows = np.array([[1e6, 0.0], [1e6 + 1e-3, 0.0]])
    assert mean_squared_distance(rows) == pytest.approx(1e-6, rel=1e-4)


def test_one_row_or_none_has_no_pair() -> None:
    for count in (0, 1):
        assert mean_cosine_distance(np.ones((count, 3))) is None
        assert mean_squared_distance(np.ones((count, 3))) is None


def test_a_vector_of_length_zero_has_no_direction() -> None:
    with pytest.raises(PluginError, match="length 0"):
        mean_cosine_distance(np.array([[0.0, 0.0], [1.0, 0.0]]))
