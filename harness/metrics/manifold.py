"""Precision, recall, density and coverage: whose balls the rows of the other set lie in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import SpecError
from harness.metrics.features import (
    check_features,
    middle,
    own_tiles,
    rounding,
    squared_distances,
    tiles,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.features import Features

NEIGHBOURS = 3
"""A row's ball reaches its third neighbour (Kynkaanniemi et al.; Naeem et al. take 5)."""


@dataclass(frozen=True, slots=True)
class Manifold:
    """Shares in [0, 1], but for the density, which is 1 for equal distributions.

    `precision`: of generated rows inside some reference ball. `recall`: of reference
    rows inside some generated ball. `density`: reference balls that hold a generated
    row, mean over k. `coverage`: of reference balls that hold some generated row.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(generated: Features, reference: Features, k: int = NEIGHBOURS) -> Manifold | None:
    """Compare two sets by the balls from each row to its k-th nearest neighbour.

    A row on the edge of a ball is inside it (<=), up to the rounding of float64. All
    four move with the sizes of the sets: compare equal n only.

    Args:
        generated: Finite, [N, D].
        reference: Finite, [M, D].
        k: Which neighbour, itself not counted, >= 1.

    Returns:
        The four numbers; None where a set has no k + 1 rows.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.
        SpecError: If k is below 1.

    Source:
        Kynkaanniemi et al. (2019), precision and recall; Naeem et al. (2020), density
        and coverage.

    >>> import numpy as np  # balls [-1, 1], [0, 2], [1, 3]; [1, 3], [2, 4], [3, 11]
    >>> reference, generated = np.array([[0.0], [1.0], [2.0]]), np.array([[2.0], [3.0], [7.0]])
    >>> found = manifold(generated, reference, k=1)
    >>> [round(share, 3) for share in (found.precision, found.recall)]
    [0.667, 0.667]
    >>> [round(share, 3) for share in (found.density, found.coverage)]
    [1.0, 0.667]
    """
    _check(generated, reference, k)
    if min(len(generated), len(reference)) <= k:
        return None
    origin = middle(generated, reference)
    reach_of_reference = _reaches(reference, k, origin)
    reach_of_generated = _reaches(generated, k, origin)
    balls_around = np.zeros(len(generated), dtype=np.int64)
    rows_within = np.zeros(len(reference), dtype=np.int64)
    recalled = np.zeros(len(reference), dtype=bool)
    for tile in tiles(reference, generated, origin):
        apart = squared_distances(tile)
        apart -= rounding(tile)
        inside = apart <= reach_of_reference[tile.rows, None]
        balls_around[tile.columns] += inside.sum(axis=0)
        rows_within[tile.rows] += inside.sum(axis=1)
        recalled[tile.rows] |= (apart <= reach_of_generated[tile.columns]).any(axis=1)
    return Manifold(
        precision=float((balls_around > 0).mean()),
        recall=float(recalled.mean()),
        density=float(balls_around.mean() / k),
        coverage=float((rows_within > 0).mean()),
    )


def manifold_without_each(
    generated: Features, reference: Features, group: NDArray[np.int64], k: int = NEIGHBOURS
) -> list[Manifold] | None:
    """Compare without each group of generated rows in turn, in one pass over the pairs.

    The reference's balls stay as they are. A generated row's ball reaches its k-th
    nearest in the rest, so each row keeps the k nearest of every group.

    Args:
        generated: Finite, [N, D].
        reference: Finite, [M, D].
        group: int64 [N], each row's group, from 0 to G - 1 without gaps.
        k: Which neighbour, itself not counted, >= 1.

    Returns:
        G times the four numbers; None where the reference, or some rest, has no k + 1 rows.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.
        SpecError: If k is below 1.

    >>> import numpy as np  # without 7, the balls [1, 3] and [2, 4] hold 1 and 2, but not 0
    >>> reference, generated = np.array([[0.0], [1.0], [2.0]]), np.array([[2.0], [3.0], [7.0]])
    >>> without = manifold_without_each(generated, reference, np.arange(3), k=1)
    >>> [(one.precision, round(one.recall, 3)) for one in without]
    [(0.5, 1.0), (0.5, 1.0), (1.0, 0.667)]
    """
    _check(generated, reference, k)
    sizes = np.bincount(group)
    if min(len(generated) - int(sizes.max(initial=0)), len(reference)) <= k:
        return None
    # Rows of a group side by side, so that a tile's columns are cut and not picked.
    order = np.argsort(group, kind="stable")
    rows, group = generated[order], group[order]
    origin = middle(generated, reference)
    reach_of_reference = _reaches(reference, k, origin)
    reaches = _reaches_without_each(rows, group, k, origin)
    balls_around = np.zeros(len(rows), dtype=np.int64)
    rows_within = np.zeros((len(reference), len(sizes)), dtype=np.int64)
    recalled = np.zeros((len(reference), len(sizes)), dtype=bool)
    for tile in tiles(reference, rows, origin):
        apart = squared_distances(tile)
        apart -= rounding(tile)
        inside = apart <= reach_of_reference[tile.rows, None]
        balls_around[tile.columns] += inside.sum(axis=0)
        for g, part in _runs(group[tile.columns]):
            rows_within[tile.rows, g] += inside[:, part].sum(axis=1)
        for g, reach in enumerate(reaches):
            recalled[tile.rows, g] |= (apart <= reach[tile.columns]).any(axis=1)
    covered = rows_within.sum(axis=1, keepdims=True) > rows_within
    return [
        Manifold(
            precision=float((balls_around[group != g] > 0).mean()),
            recall=float(recalled[:, g].mean()),
            density=float(balls_around[group != g].mean() / k),
            coverage=float(covered[:, g].mean()),
        )
        for g in range(len(sizes))
    ]


def _check(generated: Features, reference: Features, k: int) -> None:
    if k < 1:
        raise SpecError("a neighbour is the first or a later one", where=f"k = {k}")
    check_features(generated, reference)


def _runs(group: NDArray[np.int64]) -> list[tuple[int, slice]]:
    """Cut sorted groups into (group, rows)."""
    starts = np.flatnonzero(np.diff(group, prepend=-1)).tolist()
    return [(int(group[a]), slice(a, b)) for a, b in pairwise([*starts, len(group)])]


def _reaches_without_each(
    rows: Features, group: NDArray[np.int64], k: int, origin: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squared distance to the k-th nearest row of the other groups but one: float64 [G, N].

    Of sorted groups. Of a row that is itself left out, less than any distance.
    """
    count = int(group[-1]) + 1
    nearest = np.full((len(rows), count, k), np.inf)
    for tile in own_tiles(rows, origin):
        apart = squared_distances(tile)
        if tile.mirrored:
            for g, part in _runs(group[tile.rows]):
                near = nearest[tile.columns, g]
                nearest[tile.columns, g] = _smallest(near, apart.T[:, part], k)
        else:
            np.fill_diagonal(apart, np.inf)
        for g, part in _runs(group[tile.columns]):
            nearest[tile.rows, g] = _smallest(nearest[tile.rows, g], apart[:, part], k)
    reaches = np.empty((count, len(rows)))
    for g in range(count):
        others = np.delete(nearest, g, axis=1).reshape(len(rows), -1)
        reaches[g] = np.partition(others, k - 1, axis=1)[:, k - 1]
        reaches[g, group == g] = -np.inf
    return reaches


def _reaches(features: Features, k: int, origin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distance of each row to its k-th nearest other row, float64 [N]."""
    nearest = np.full((len(features), k), np.inf)
    for tile in own_tiles(features, origin):
        apart = squared_distances(tile)
        if tile.mirrored:
            nearest[tile.columns] = _smallest(nearest[tile.columns], apart.T, k)
        else:
            np.fill_diagonal(apart, np.inf)
        nearest[tile.rows] = _smallest(nearest[tile.rows], apart, k)
    reaches: NDArray[np.float64] = nearest.max(axis=1)
    return reaches


def _smallest(
    known: NDArray[np.float64], more: NDArray[np.float64], k: int
) -> NDArray[np.float64]:
    both = np.concatenate((known, more), axis=1)
    both.partition(k - 1, axis=1)
    return both[:, :k]


__all__ = ["NEIGHBOURS", "Manifold", "manifold", "manifold_without_each"]
