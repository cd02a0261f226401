"""Nearest neighbours against every pair by subtraction."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import NonFiniteError, PluginError
from harness.metrics.features import TILE
from harness.metrics.nearest import (
    Neighbours,
    near_duplicate_share,
    near_duplicate_share_without_each,
    nearest,
    share_closer,
)

# Small whole numbers: many neighbours are equally near.
POINTS = st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=1, max_size=12)


def rows(count: int, width: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


def every_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(((a[:, None] - b) ** 2).sum(axis=2)))


def assert_nearest(generated: np.ndarray, training: np.ndarray) -> None:
    found, apart = nearest(generated, training), every_distance(generated, training)
    assert found is not None
    assert np.array_equal(found.indices, apart.argmin(axis=1))
    assert found.distances == pytest.approx(apart.min(axis=1), rel=1e-12, abs=1e-12)


@given(POINTS, POINTS)
def test_the_first_of_the_nearest_is_found(
    a: list[tuple[int, int]], b: list[tuple[int, int]]
) -> None:
    assert_nearest(np.array(a, dtype=float), np.array(b, dtype=float))


def test_nearest_over_several_tiles() -> None:
    assert_nearest(rows(TILE + 5), rows(2 * TILE + 3, seed=1))


def test_a_copy_is_at_no_distance_at_all_even_far_from_the_origin() -> None:
    training = rows(TILE + 50) + 1e4
    copies = training[[7, TILE + 9, 3]]
    found = nearest(copies, training)
    assert found is not None
    assert found.distances.tolist() == [0, 0, 0]
    assert found.indices.tolist() == [7, TILE + 9, 3]
    assert share_closer(found, 1e-9) == 1


def test_of_equal_training_rows_the_first_is_named() -> None:
    training = np.tile(rows(1), (TILE + 5, 1))
    found = nearest(training[:2], training)
    assert found is not None
    assert found.indices.tolist() == [0, 0]


def test_nearness_beyond_what_products_of_matrices_can_see_is_told_apart() -> None:
    # Of length 1,000 with distances near 1e-7: |x|^2 + |y|^2 - 2 x.y is all rounding.
    base = rows(1, 8) + 1000
    training = np.concatenate((base + 3e-7, base + 1e-7, base + 2e-7, rows(20, 8)))
    found = nearest(base, training)
    assert found is not None
    assert found.indices.tolist() == [1]
    assert found.distances[0] == pytest.approx(1e-7 * np.sqrt(8), rel=1e-4)


def test_copying_is_looked_for_from_generated_to_training_only() -> None:
    training = np.array([[0.0], [100.0], [200.0]])
    found = nearest(np.array([[0.1], [0.2]]), training)
    assert found is not None
    assert share_closer(found, 0.5) == 1


def test_a_share_is_of_what_is_strictly_closer() -> None:
    found = Neighbours(np.array([0.0, 1.0, 2.0]), np.zeros(3, dtype=np.int64))
    assert share_closer(found, 1.0) == pytest.approx(1 / 3)
    assert share_closer(Neighbours(np.empty(0), np.empty(0, dtype=np.int64)), 1.0) is None


def share_of_every_pair(features: np.ndarray, threshold: float) -> float:
    apart = every_distance(features, features)
    np.fill_diagonal(apart, np.inf)
    return float((apart < threshold).any(axis=1).mean())


@settings(deadline=None)
@given(POINTS, st.sampled_from([0.5, 1.0, 1.5, 2.5]), st.integers(2, 4))
def test_near_duplicates_are_those_of_every_pair_with_and_without_each_group(
    a: list[tuple[int, int]], threshold: float, groups: int
) -> None:
    features = np.array(a, dtype=float)
    expected = share_of_every_pair(features, threshold)
    assert near_duplicate_share(features, threshold) == expected
    group = np.arange(len(features)) % groups
    found = near_duplicate_share_without_each(features, threshold, group)
    rests = [features[group != g] for g in range(group.max() + 1)]
    if min(map(len, rests)):
        alone = [share_of_every_pair(rest, threshold) for rest in rests]
        assert found is not None
        assert found.tolist() == alone
    else:
        assert found is None


def test_near_duplicates_are_found_over_several_tiles() -> None:
    features = rows(2 * TILE + 70, 3)
    group = np.random.default_rng(2).integers(0, 20, len(features))
    for threshold in (0.1, 0.15):
        expected = share_of_every_pair(features, threshold)
        assert 0.2 < expected < 0.98
        assert near_duplicate_share(features, threshold) == expected
        found = near_duplicate_share_without_each(features, threshold, group)
        assert found is not None
        for g in (0, 19):
            assert found[g] == share_of_every_pair(features[group != g], threshold)


def test_a_collapsed_set_is_all_duplicates_without_a_list_of_its_pairs() -> None:
    collapsed = np.repeat(rows(2, 4), (2 * TILE, TILE), axis=0).astype(np.float32)
    tracemalloc.start()
    try:
        share = near_duplicate_share(collapsed, 0.05)
        found = near_duplicate_share_without_each(
            collapsed, 0.05, np.arange(len(collapsed)) % 20
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert share == 1.0
    assert found is not None
    assert found.tolist() == [1.0] * 20
    # Its ten million pairs, as two indices each, would be 168 MB on top of any tile.
    assert peak < 32 * TILE * TILE


def test_nearness_that_rounding_hides_is_told_by_subtraction() -> None:
    base = rows(1, 8) + 1000
    features = np.concatenate((base, base + 1e-7, base + 5e-7, rows(20, 8) * 50))
    assert near_duplicate_share(features, 2e-7 * np.sqrt(8)) == 2 / 23


def test_rows_apart_have_no_duplicates_and_no_rows_no_share() -> None:
    assert near_duplicate_share(np.arange(5.0)[:, None] * 10, 1.0) == 0.0
    assert near_duplicate_share(np.empty((0, 3)), 1.0) is None


@settings(deadline=None)
@given(st.integers(0, 999))
def test_near_duplicates_know_neither_order_nor_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, group = rng.standard_normal((15, 2)), rng.integers(0, 3, 15)
    turn, order = np.linalg.qr(rng.standard_normal((2, 2))).Q, rng.permutation(15)
    moved = (features @ turn + 5)[order]
    assert near_duplicate_share(moved, 0.5) == near_duplicate_share(features, 0.5)
    one = near_duplicate_share_without_each(features, 0.5, group)
    other = near_duplicate_share_without_each(moved, 0.5, group[order])
    assert one is not None
    assert other is not None
    assert one.tolist() == other.tolist()


@given(st.integers(0, 999))
def test_rotation_and_translation_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((6, 3)), rng.standard_normal((9, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3))).Q
    found, moved = nearest(a, b), nearest(a @ turn + 4, b @ turn + 4)
    assert found is not None
    assert moved is not None
    assert moved.distances == pytest.approx(found.distances, rel=1e-9)
    assert np.array_equal(moved.indices, found.indices)


def test_nothing_to_compare_with_is_no_neighbour() -> None:
    assert nearest(rows(3), np.empty((0, 5))) is None
    found = nearest(np.empty((0, 5)), rows(3))
    assert found is not None
    assert found.distances.size == 0


def test_what_is_not_finite_or_of_one_width_is_refused() -> None:
    bad = rows(5)
    bad[3, 1] = np.nan
    with pytest.raises(NonFiniteError):
        nearest(bad, rows(3))
    with pytest.raises(NonFiniteError):
        near_duplicate_share(bad, 1.0)
    with pytest.raises(PluginError):
        nearest(rows(3, 4), rows(3))
