"""What every metric of features asks of them: finite rows of one width, read tile by tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.errors import NonFiniteError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator

Features = NDArray[np.float32] | NDArray[np.float64]
"""One row an output: float32 or float64 [N, D]."""

TILE = 2048
"""Rows held as float64 at a time: with 2,048 columns a tile and its pairs take 96 MiB."""

NEAR = 1e-12
"""Rounding of a squared distance, as a share of the two squared lengths it is made from."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Some rows of one set against some rows of another, all float64.

    `rows` and `columns` say which; `left` [R, D] and `right` [C, D] are they.
    """

    rows: slice
    columns: slice
    left: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def mirrored(self) -> bool:
        """Whether a set was laid against itself and this stands for its mirror image too."""
        return bool(self.rows.start != self.columns.start)


def check_features(*sets: Features) -> int:
    """Refuse what is not finite rows of one width; return the width D.

    Raises:
        NonFiniteError: If a value is NaN or an infinity.
        PluginError: If a set is not two-dimensional, or the widths differ.
    """
    if any(features.ndim != 2 or not features.shape[1] for features in sets):
        raise PluginError("features are rows of numbers", fix="give arrays [N, D]")
    widths = {int(features.shape[1]) for features in sets}
    if len(widths) > 1:
        raise PluginError(
            f"features of different widths cannot be compared: {sorted(widths)}",
            fix="encode both sets with one encoder",
        )
    for features in sets:
        if not all(np.isfinite(features[rows]).all() for rows in row_blocks(len(features))):
            raise NonFiniteError("a feature is not finite")
    return widths.pop()


def row_blocks(count: int, size: int = TILE) -> Iterator[slice]:
    """Cut `count` rows into blocks of at most `size`."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def tiles(
    left: Features, right: Features, origin: NDArray[np.float64] | None = None
) -> Iterator[Tile]:
    """Lay every row of one set against every row of another, a tile at a time.

    Args:
        left: [N, D].
        right: [M, D].
        origin: Subtracted from both where given, [D].
    """
    for rows in row_blocks(len(left)):
        block = _moved(left[rows], origin)
        for columns in row_blocks(len(right)):
            yield Tile(rows, columns, block, _moved(right[columns], origin))


def own_tiles(features: Features, origin: NDArray[np.float64] | None = None) -> Iterator[Tile]:
    """Lay a set against itself: the tiles on and right of the diagonal."""
    for rows in row_blocks(len(features)):
        block = _moved(features[rows], origin)
        yield Tile(rows, rows, block, block)
        for start in range(rows.stop, len(features), TILE):
            columns = slice(start, min(start + TILE, len(features)))
            yield Tile(rows, columns, block, _moved(features[columns], origin))


def squared_distances(tile: Tile) -> NDArray[np.float64]:
    """Squared Euclidean distances, float64 [R, C], none below 0.

    By |x|^2 + |y|^2 - 2 x.y: off by at most about NEAR * (|x|^2 + |y|^2), so move
    the origin among the points first.
    """
    found = tile.left @ tile.right.T
    found *= -2.0
    found += _lengths(tile.left)[:, None]
    found += _lengths(tile.right)
    return np.maximum(found, 0.0, out=found)


def rounding(tile: Tile) -> NDArray[np.float64]:
    """How far off each squared distance of a tile may be: float64 [R, C]."""
    lengths: NDArray[np.float64] = _lengths(tile.left)[:, None] + _lengths(tile.right)
    lengths *= NEAR
    return lengths


def middle(*sets: Features) -> NDArray[np.float64]:
    """Mean of all rows of all sets, float64 [D]."""
    sums = [features.sum(axis=0, dtype=np.float64) for features in sets]
    mean: NDArray[np.float64] = np.sum(sums, axis=0) / max(1, sum(map(len, sets)))
    return mean


def _lengths(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.einsum("ij,ij->i", rows, rows)
    return lengths


def _moved(rows: Features, origin: NDArray[np.float64] | None) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    return wide if origin is None else wide - origin
