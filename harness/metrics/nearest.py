"""Nearest neighbours, exactly: which training row an output copies, which outputs repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.features import (
    Tile,
    check_features,
    middle,
    own_tiles,
    rounding,
    row_blocks,
    squared_distances,
    tiles,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.features import Features


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest training row of each output.

    `distances`: float64 [N], Euclidean. `indices`: int64 [N], the first of equals.
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]


def nearest(generated: Features, training: Features) -> Neighbours | None:
    """Find the nearest training row of each output; None without training rows.

    From generated to training, never the other way: a training row far from every
    output says nothing of copying. Products of matrices find the candidates, those
    within rounding of the least; their distances are then taken by subtraction, so a
    copy is at 0 exactly. For a cosine give rows at length 1: |x - y|^2 = 2 - 2 cos.

    Args:
        generated: Finite, [N, D].
        training: Finite, [M, D].

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.

    >>> import numpy as np
    >>> found = nearest(np.array([[0.0, 3.0]]), np.array([[9.0, 9.0], [4.0, 0.0]]))
    >>> found.distances.tolist(), found.indices.tolist()
    ([5.0], [1])
    """
    check_features(generated, training)
    if not len(training):
        return None
    best = np.full(len(generated), np.inf)
    where = np.zeros(len(generated), dtype=np.int64)
    for tile in tiles(generated, training, middle(training)):
        found = squared_distances(tile)
        slack = 2.0 * rounding(tile)
        bound = np.minimum((found + slack).min(axis=1), best[tile.rows])
        rows, columns = np.nonzero(found - slack <= bound[:, None])
        rows, columns = rows + tile.rows.start, columns + tile.columns.start
        exact = _exact(generated, training, rows, columns)
        # Of one row's candidates the nearest first, and of equals the earliest.
        order = np.lexsort((columns, exact, rows))
        firsts = order[np.diff(rows[order], prepend=-1) > 0]
        rows, columns, exact = rows[firsts], columns[firsts], exact[firsts]
        nearer = exact < best[rows]
        best[rows[nearer]] = exact[nearer]
        where[rows[nearer]] = columns[nearer]
    return Neighbours(np.sqrt(best), where)


def share_closer(neighbours: Neighbours, threshold: float) -> float | None:
    """Share of outputs closer to training than a threshold; None for no outputs.

    >>> import numpy as np
    >>> share_closer(Neighbours(np.array([0.0, 0.5, 1.0, 2.0]), np.arange(4)), 1.0)
    0.5
    """
    if not len(neighbours.distances):
        return None
    return float((neighbours.distances < threshold).mean())


def near_duplicate_share(features: Features, threshold: float) -> float | None:
    """Share of rows with another row closer than a threshold; None for no rows.

    Args:
        features: Finite, [N, D].
        threshold: Euclidean distance, > 0.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.

    >>> import numpy as np
    >>> near_duplicate_share(np.array([[0.0], [5.0], [0.5], [9.0]]), 1.0)
    0.5
    """
    if not len(features):
        return None
    together = np.zeros(len(features), dtype=np.int64)
    lowest, _ = _groups_near(features, threshold, together)
    return float((lowest < _NONE).mean())


def near_duplicate_share_without_each(
    features: Features, threshold: float, group: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Compute the share without each group of rows in turn, in one pass over the pairs.

    A row has a close one in the rest if any group but the one left out holds one: the
    lowest and the highest group that do say so for each that may be left out.

    Args:
        features: Finite, [N, D].
        threshold: Euclidean distance, > 0.
        group: int64 [N], each row's group, from 0 to G - 1 without gaps.

    Returns:
        float64 [G]; None where some rest has no row.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.

    >>> import numpy as np  # without 0, or without 1, the other has no close one
    >>> rows = np.array([[0.0], [0.5], [9.0]])
    >>> near_duplicate_share_without_each(rows, 1.0, np.array([0, 1, 2])).tolist()
    [0.0, 0.0, 1.0]
    """
    lowest, highest = _groups_near(features, threshold, group)
    found = np.empty(int(group.max(initial=-1)) + 1)
    for left_out in range(len(found)):
        kept = group != left_out
        if not kept.any():
            return None
        alone = (lowest == left_out) & (highest == left_out)
        found[left_out] = ((lowest < _NONE) & ~alone)[kept].mean()
    return found


_NONE = np.iinfo(np.int16).max


def _groups_near(
    features: Features, threshold: float, group: NDArray[np.int64]
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The lowest and the highest group of the other rows close to each row, int16 [N] each.

    _NONE and -1 where there are none. Memory is that of a tile, however many are close.
    """
    check_features(features)
    of = group.astype(np.int16)
    lowest = np.full(len(features), _NONE, dtype=np.int16)
    highest = np.full(len(features), -1, dtype=np.int16)
    for tile in own_tiles(features, middle(features)):
        close = _close(features, tile, threshold)
        if not tile.mirrored:
            np.fill_diagonal(close, val=False)
        sides = [(tile.rows, close, of[tile.columns])]
        if tile.mirrored:
            sides.append((tile.columns, close.T, of[tile.rows]))
        for rows, near, theirs in sides:
            least = np.where(near, theirs, _NONE).min(axis=1)
            most = np.where(near, theirs, np.int16(-1)).max(axis=1)
            lowest[rows] = np.minimum(lowest[rows], least)
            highest[rows] = np.maximum(highest[rows], most)
    return lowest, highest


def _close(features: Features, tile: Tile, threshold: float) -> NDArray[np.bool_]:
    """Which pairs of a tile are closer than a threshold, bool [R, C].

    Those that rounding leaves open are told by subtraction.
    """
    apart, slack = squared_distances(tile), rounding(tile)
    close: NDArray[np.bool_] = apart + slack < threshold**2
    rows, columns = np.nonzero((apart - slack < threshold**2) & ~close)
    exact = _exact(features, features, rows + tile.rows.start, columns + tile.columns.start)
    close[rows, columns] = exact < threshold**2
    return close


def _exact(
    left: Features, right: Features, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Squared distances of some pairs by subtraction, float64 [P], a block at a time."""
    found = np.empty(len(rows))
    for part in row_blocks(len(rows)):
        apart = left[rows[part]].astype(np.float64) - right[columns[part]]
        found[part] = np.einsum("ij,ij->i", apart, apart)
    return found


__all__ = [
    "Neighbours",
    "near_duplicate_share",
    "near_duplicate_share_without_each",
    "nearest",
    "share_closer",
]
