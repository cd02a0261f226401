"""Frechet distance between the Gaussians that have two sets' means and covariances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.features import check_features
from harness.metrics.moments import Moments, combine, moments, remove

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.features import Features


def frechet_distance(a: Moments, b: Moments) -> float | None:
    """Squared Frechet distance of two summaries; None where a set has under two rows.

    |m_a - m_b|^2 + tr A + tr B - 2 tr (A B)^(1/2), with the covariances over N - 1.
    The last trace is the sum of square roots of the eigenvalues of the symmetric
    L^T B L, where A = L L^T, or of the singular values of L^T M with B = M M^T where
    a covariance is singular: no matrix square root is taken.

    It falls as sets grow, and the same distribution against itself is far from 0:
    compare equal n only, or use `frechet_without_bias` or `frechet_infinity`.

    Args:
        a: Of any number of rows.
        b: Of as many columns.

    Returns:
        A number from 0 up, in squared units of the features.

    Raises:
        NonFiniteError: If a summary holds NaN or an infinity.
        PluginError: If the widths differ.

    Source:
        Dowson and Landau (1982); Heusel et al. (2017), equation 6.

    >>> import numpy as np  # means 3 apart, deviations 1 and 2: 9 + (1 - 2)^2
    >>> one, two = np.eye(1), 4 * np.eye(1)
    >>> frechet_distance(Moments(2, np.zeros(1), one), Moments(2, np.full(1, 3.0), two))
    10.0
    """
    width = check_features(a.mean[None], a.scatter, b.mean[None], b.scatter)
    if min(a.n, b.n) < 2:
        return None
    overlap = _overlap(a, b) if min(a.n, b.n) > width else None
    if overlap is None:
        overlap = _nuclear_norm(root(a), root(b))
    apart = a.mean - b.mean
    traces = np.trace(a.scatter) / (a.n - 1) + np.trace(b.scatter) / (b.n - 1)
    return max(0.0, float(apart @ apart + traces - 2.0 * overlap))


def frechet_distance_of_features(a: Features, b: Features) -> float | None:
    """Squared Frechet distance of two sets of rows; None where one has under two.

    Where a set has no more rows than columns its covariance is never formed: with
    centred rows X / sqrt(N - 1) as the factor, tr (A B)^(1/2) is the nuclear norm
    of the product of the two factors. That is faster, and exact where eigenvalues
    of a singular product are square roots of rounding.

    Args:
        a: [N, D], finite.
        b: [M, D], finite.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.

    >>> import numpy as np
    >>> rows = np.array([[0.0, 0.0], [2.0, 0.0]])
    >>> frechet_distance_of_features(rows, rows + np.array([3.0, 4.0]))
    25.0
    """
    width = check_features(a, b)
    if min(len(a), len(b)) < 2:
        return None
    if min(len(a), len(b)) > width:
        return frechet_distance(moments(a), moments(b))
    left, right = _factored(a), _factored(b)
    apart = left.mean - right.mean
    overlap = _nuclear_norm(left.root, right.root)
    return max(0.0, float(apart @ apart + left.trace + right.trace - 2.0 * overlap))


def root(found: Moments) -> NDArray[np.float64]:
    """Factor a covariance: L, float64 [D, R], with L L^T equal to it.

    R is its rank where that is known from too few rows or seen in the
    eigenvalues. Directions without variance are left out: their rounding, about
    1e-16 of the largest variance, would come back as 1e-8 of the largest deviation.

    Raises:
        NonFiniteError: If there are fewer than two rows.
    """
    from scipy.linalg import cholesky, eigh

    covariance = found.covariance
    width = len(covariance)
    if found.n > width:
        try:
            lower: NDArray[np.float64] = cholesky(covariance, lower=True)
        except np.linalg.LinAlgError:
            pass  # singular: the eigenvalues say in how many directions
        else:
            return lower
    values, vectors = eigh(covariance)
    values, vectors = values[-(found.n - 1) :], vectors[:, -(found.n - 1) :]
    kept = values > width * np.finfo(np.float64).eps * values[-1]
    kept[-1] = True  # of a set without any variance, so that no factor is empty
    factor: NDArray[np.float64] = vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0.0))
    return factor


def root_sum(symmetric: NDArray[np.float64]) -> float:
    """Sum of square roots of the eigenvalues, float64 [R, R]; those rounded below 0 are 0."""
    return _sum_of_roots(np.linalg.eigvalsh(symmetric).astype(np.float64))


def _overlap(a: Moments, b: Moments) -> float | None:
    """Find tr (A B)^(1/2) by LAPACK's A B x = w x (dsygv); None where A is singular."""
    from scipy.linalg import eigh

    try:
        values: NDArray[np.float64] = eigh(
            b.covariance, a.covariance, type=2, eigvals_only=True, driver="gv"
        )
    except np.linalg.LinAlgError:
        return None
    return _sum_of_roots(values)


def _sum_of_roots(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.maximum(values, 0.0)).sum())


@dataclass(frozen=True, slots=True)
class _Factored:
    mean: NDArray[np.float64]
    trace: float
    root: NDArray[np.float64]


def _factored(features: Features) -> _Factored:
    count, width = features.shape
    if count > width:
        found = moments(features)
        return _Factored(found.mean, float(np.trace(found.covariance)), root(found))
    mean = features.mean(axis=0, dtype=np.float64)
    factor = (features.astype(np.float64) - mean).T / np.sqrt(count - 1)
    return _Factored(mean, float((factor * factor).sum()), factor)


def _nuclear_norm(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float(np.linalg.svd(left.T @ right, compute_uv=False).sum())


__all__ = [
    "Moments",
    "combine",
    "frechet_distance",
    "frechet_distance_of_features",
    "moments",
    "remove",
    "root",
    "root_sum",
]
