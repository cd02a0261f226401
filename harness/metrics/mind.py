"""MIND: sliced Wasserstein distance of two sets of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.features import check_features, middle, row_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from harness.metrics.features import Features

PROJECTIONS = 1000
"""Directions looked along (the paper: 100 to 1,000)."""
_AT_ONCE = 128


def mind(
    generated: Features, reference: Features, seed: int, projections: int = PROJECTIONS
) -> float | None:
    """Monge Inception Distance: 3 D times the mean of W2^2 along random directions.

    Along a direction u, W2^2 is the mean of (x_(j) - y_(j))^2 over the sorted
    projections x.u and y.u; sets of different sizes are laid on each other quantile
    by quantile, exactly. An isotropic Gaussian moved by mu in each coordinate is
    3 D mu^2 away. Fewer rows give more: compare equal n only.

    Args:
        generated: Finite, [N, D].
        reference: Finite, [M, D].
        seed: Of the directions; the same seed gives the same number.
        projections: How many directions, >= 1.

    Returns:
        A number from 0 up; None where a set is empty.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.

    Source:
        Berthet et al. (2026), MIND, arXiv:2605.06797 (scale 3 D).

    >>> import numpy as np  # along a line: 3 * mean of 1, 1 and 4
    >>> round(mind(np.array([[2.0], [0.0], [1.0]]), np.array([[4.0], [1.0], [2.0]]), 0), 9)
    6.0
    """
    width = check_features(generated, reference)
    if min(len(generated), len(reference)) < 1:
        return None
    cuts = _quantiles(len(generated), len(reference))
    # Where the origin lies does not matter; far from the rows it costs digits.
    centre = middle(generated, reference)
    found = [
        cuts.squared(_sorted(generated, centre, along), _sorted(reference, centre, along))
        for along in _directions(width, projections, seed)
    ]
    return float(3.0 * width * np.concatenate(found).mean())


def _directions(width: int, count: int, seed: int) -> Iterator[NDArray[np.float64]]:
    draw = np.random.default_rng(seed)
    for rows in row_blocks(count, _AT_ONCE):
        normal = draw.standard_normal((rows.stop - rows.start, width))
        yield normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _sorted(
    features: Features, centre: NDArray[np.float64], along: NDArray[np.float64]
) -> NDArray[np.float64]:
    seen = np.empty((len(along), len(features)))
    for rows in row_blocks(len(features)):
        seen[:, rows] = along @ (features[rows].astype(np.float64) - centre).T
    seen.sort(axis=1)
    return seen


class _Quantiles:
    """Which row of each sorted set is at each step of both quantile functions."""

    def __init__(
        self,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> None:
        self._left, self._right, self._weights = left, right, weights

    def squared(
        self, left: NDArray[np.float64], right: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """W2^2 of each pair of sorted rows, float64 [P]."""
        apart = left[:, self._left] - right[:, self._right]
        apart *= apart
        found: NDArray[np.float64] = apart @ self._weights
        return found


def _quantiles(n: int, m: int) -> _Quantiles:
    """Cut [0, n m] wherever either step function steps: whole numbers, so no rounding."""
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    weights = np.diff(ends, prepend=0) / (n * m)
    return _Quantiles((ends - 1) // m, (ends - 1) // n, weights)


__all__ = ["PROJECTIONS", "mind"]
