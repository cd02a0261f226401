"""Nearest neighbours, exactly: which training row an output copies, which outputs repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.features import (
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


def near_duplicates(features: Features, threshold: float) -> NDArray[np.int64]:
    """Find the pairs of rows closer than a threshold: int64 [P, 2], the smaller index first.

    Args:
        features: Finite, [N, D].
        threshold: Euclidean distance, > 0.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.

    >>> import numpy as np
    >>> near_duplicates(np.array([[0.0], [5.0], [0.5], [5.0]]), 1.0).tolist()
    [[0, 2], [1, 3]]
    """
    check_features(features)
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for tile in own_tiles(features, middle(features)):
        apart, slack = squared_distances(tile), rounding(tile)
        close = apart - slack < threshold**2
        if not tile.mirrored:
            close = np.triu(close, 1)
        corner = np.array([tile.rows.start, tile.columns.start])
        found = np.argwhere(close) + corner
        sure = (apart + slack)[close] < threshold**2
        unsure = np.flatnonzero(~sure)
        exact = _exact(features, features, found[unsure, 0], found[unsure, 1])
        sure[unsure] = exact < threshold**2
        pairs.append(found[sure])
    every = np.concatenate(pairs)
    return every[np.lexsort((every[:, 1], every[:, 0]))]


def _exact(
    left: Features, right: Features, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Squared distances of some pairs by subtraction, float64 [P], a block at a time."""
    found = np.empty(len(rows))
    for part in row_blocks(len(rows)):
        apart = left[rows[part]].astype(np.float64) - right[columns[part]]
        found[part] = np.einsum("ij,ij->i", apart, apart)
    return found


__all__ = ["Neighbours", "near_duplicates", "nearest", "share_closer"]
