"""Tiles cover every pair once, and what is no features is refused."""

import numpy as np
import pytest

from harness.errors import NonFiniteError, PluginError
from harness.metrics.features import (
    TILE,
    check_features,
    middle,
    own_tiles,
    row_blocks,
    squared_distances,
    tiles,
)

COUNT = 2 * TILE + 5


def rows(count: int, width: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


@pytest.mark.parametrize("count", [0, 1, TILE, TILE + 1, COUNT])
def test_blocks_cover_every_row_once(count: int) -> None:
    seen = [row for block in row_blocks(count) for row in range(block.start, block.stop)]
    assert seen == list(range(count))


def test_tiles_hold_every_pair_once() -> None:
    left, right = rows(COUNT), rows(TILE + 3, seed=1)
    seen = np.zeros((len(left), len(right)), dtype=np.int64)
    for tile in tiles(left, right):
        assert np.array_equal(tile.left, left[tile.rows])
        assert np.array_equal(tile.right, right[tile.columns])
        seen[tile.rows, tile.columns] += 1
    assert (seen == 1).all()


def test_a_sets_own_tiles_and_their_mirror_images_hold_every_pair_once() -> None:
    features = rows(COUNT)
    seen = np.zeros((COUNT, COUNT), dtype=np.int64)
    for tile in own_tiles(features):
        seen[tile.rows, tile.columns] += 1
        if tile.mirrored:
            seen[tile.columns, tile.rows] += 1
    assert (seen == 1).all()


def test_distances_equal_subtraction_and_are_never_negative() -> None:
    left, right = rows(40, 7) + 5, rows(30, 7, seed=1) + 5
    right[3] = left[2]
    (tile,) = tiles(left, right, middle(left, right))
    expected = ((left[:, None] - right) ** 2).sum(axis=2)
    found = squared_distances(tile)
    assert np.abs(found - expected).max() <= 1e-12
    assert found.min() >= 0


def test_float32_is_read_in_float64() -> None:
    single = rows(5).astype(np.float32)
    (tile,) = tiles(single, single)
    assert tile.left.dtype == tile.right.dtype == np.float64


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_in_any_block(value: float) -> None:
    features = rows(COUNT)
    features[-1, -1] = value
    with pytest.raises(NonFiniteError):
        check_features(features)


@pytest.mark.parametrize("shape", [(3,), (3, 0), (3, 2, 2)])
def test_what_is_not_rows_of_numbers_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PluginError, match="rows of numbers"):
        check_features(np.zeros(shape))


def test_sets_of_different_widths_are_refused() -> None:
    with pytest.raises(PluginError, match=r"different widths.*\[2, 3\]"):
        check_features(rows(3, 2), rows(3, 3))
