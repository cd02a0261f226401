"""Vendi score: how many different things a set holds, by the spectrum of its similarities."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import PluginError, SpecError
from harness.metrics.features import check_features, row_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.features import Features

ORDERS = (0.5, 1.0, 2.0, inf)
"""The orders reported: below 1 rare things weigh more, above 1 common ones."""
TOLERANCE = 1e-6
"""How far a similarity matrix may be from symmetric, or a row from similarity 1 to itself."""


def vendi(embeddings: Features, q: float = 1.0) -> float | None:
    """Vendi score of rows by the cosine of their embeddings; None for no rows.

    exp of the Renyi entropy of order q of the eigenvalues w of K / n:
    (sum w^q)^(1 / (1 - q)), exp(-sum w log w) for q = 1, 1 / max w for infinity. From 1
    (all alike) to n (all orthogonal). Where there are more rows than columns the
    D x D matrix with the same eigenvalues is used; q = 2 needs no eigenvalues.

    Args:
        embeddings: Finite, [N, D], of any length but 0.
        q: The order, > 0, infinity included.

    Raises:
        NonFiniteError: If a value is NaN or an infinity.
        PluginError: If a row has length 0.
        SpecError: If q is not above 0.

    Source:
        Friedman and Dieng (2023); Pasarkar and Dieng (2024) for q.

    >>> import numpy as np
    >>> vendi(np.eye(4)), vendi(np.ones((3, 2)))
    (4.0, 1.0)
    """
    _check_order(q)
    check_features(embeddings)
    if not len(embeddings):
        return None
    return _effective_number(_smaller_gram(embeddings), len(embeddings), q)


def vendi_of_similarities(similarities: NDArray[np.float64], q: float = 1.0) -> float | None:
    """Vendi score of a similarity matrix; None for no rows.

    Args:
        similarities: Positive semidefinite with ones on its diagonal, [N, N].
        q: The order, > 0, infinity included.

    Raises:
        NonFiniteError: If a value is NaN or an infinity.
        PluginError: If it is not symmetric with ones on its diagonal.
        SpecError: If q is not above 0.

    >>> import numpy as np
    >>> alike = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> round(vendi_of_similarities(alike), 4)
    2.1573
    """
    _check_order(q)
    if similarities.size == 0:
        return None
    check_features(similarities)
    _check_similarities(similarities)
    return _effective_number(similarities.astype(np.float64), len(similarities), q)


def _smaller_gram(embeddings: Features) -> NDArray[np.float64]:
    """X^T X or X X^T of the rows at length 1, whichever is smaller."""
    count, width = embeddings.shape
    if count <= width:
        rows = _unit(embeddings)
        product: NDArray[np.float64] = rows @ rows.T
        return product
    gram = np.zeros((width, width))
    for block in row_blocks(count):
        rows = _unit(embeddings[block])
        gram += rows.T @ rows
    return gram


def _effective_number(gram: NDArray[np.float64], count: int, q: float) -> float:
    if q == 2.0:
        return count**2 / float(np.vdot(gram, gram))
    weights = np.linalg.eigvalsh(gram) / count
    # Rounding leaves about this much where there is nothing; a root would magnify it.
    weights = weights[weights > len(gram) * np.finfo(np.float64).eps * weights[-1]]
    if q == inf:
        return float(1.0 / weights[-1])
    if q == 1.0:
        return float(np.exp(-(weights * np.log(weights)).sum()))
    return float((weights**q).sum() ** (1.0 / (1.0 - q)))


def _unit(rows: Features) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if (lengths == 0.0).any():
        raise PluginError("an embedding of length 0 has no direction")
    wide /= lengths
    return wide


def _check_order(q: float) -> None:
    if not q > 0.0:
        raise SpecError("the order of a Vendi score is above 0", where=f"q = {q}")


def _check_similarities(matrix: NDArray[np.float64]) -> None:
    if matrix.shape[0] != matrix.shape[1]:
        raise PluginError("similarities are a square matrix", where=f"{matrix.shape}")
    uneven = float(np.abs(matrix - matrix.T).max())
    if max(uneven, float(np.abs(np.diag(matrix) - 1.0).max())) > TOLERANCE:
        raise PluginError("similarities are symmetric, and 1 of each thing to itself")


__all__ = ["ORDERS", "vendi", "vendi_of_similarities"]
