"""How far the members of a small set are apart on average, over all its pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import PluginError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mean_cosine_distance(vectors: NDArray[np.float64]) -> float | None:
    """Mean of 1 - cosine over all pairs of rows, in [0, 2]; None under two rows.

    0 where all point one way, 1 where all are orthogonal. By the length of the
    sum of unit vectors: the cosines of all pairs add up to (|sum u|^2 - n) / 2.

    Args:
        vectors: Finite, [n, D], of any length but 0.

    Raises:
        PluginError: If a row has length 0.

    Source:
        Sadat et al., CADS: Unleashing the Diversity of Diffusion Models through
        Condition-Annealed Sampling (2024): one less its mean similarity score.

    >>> import numpy as np
    >>> mean_cosine_distance(np.eye(3)), mean_cosine_distance(np.ones((1, 3)))
    (1.0, None)
    """
    count = len(vectors)
    if count < 2:
        return None
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (lengths > 0.0).all():
        raise PluginError("a vector of length 0 has no direction")
    resultant = (vectors / lengths).sum(axis=0)
    found = 1.0 - (float(resultant @ resultant) - count) / (count * (count - 1))
    return max(0.0, found)


def mean_squared_distance(vectors: NDArray[np.float64]) -> float | None:
    """Mean of |x - y|^2 over all pairs of rows; None under two rows.

    By the rows' mean m: 2 / (n - 1) times the sum of |x - m|^2.

    Args:
        vectors: Finite, [n, D].

    >>> import numpy as np
    >>> mean_squared_distance(np.array([[0.0], [1.0], [3.0]]))  # 1, 9 and 4
    4.666666666666667
    """
    count = len(vectors)
    if count < 2:
        return None
    apart = vectors - vectors.mean(axis=0)
    return 2.0 * float(np.vdot(apart, apart)) / (count - 1)
