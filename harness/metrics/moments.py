"""Mean and covariance of a set, which can be added up and taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import NonFiniteError, PluginError
from harness.metrics.features import check_features, row_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.features import Features


@dataclass(frozen=True, slots=True)
class Moments:
    """How many rows, their mean, and their scatter: the sum of (x - mean)(x - mean)^T.

    The scatter and not the covariance is kept because one row has a scatter, and
    because scatters add. Published `mu` and `sigma` of n rows are
    `Moments(n, mu, sigma * (n - 1))`.

    Args:
        n: Rows.
        mean: float64 [D].
        scatter: float64 [D, D], symmetric.
    """

    n: int
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @property
    def covariance(self) -> NDArray[np.float64]:
        """The scatter over n - 1, float64 [D, D].

        Raises:
            NonFiniteError: If there are fewer than two rows.
        """
        if self.n < 2:
            raise NonFiniteError("a covariance needs two rows", where=f"n = {self.n}")
        return self.scatter / (self.n - 1)


def moments(features: Features) -> Moments:
    """Summarise rows, in float64 and two passes.

    Args:
        features: Finite, [N, D]; N may be 0, so that a stream can start from it.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.

    >>> import numpy as np
    >>> found = moments(np.array([[0.0, 0.0], [2.0, 4.0]]))
    >>> found.n, found.mean.tolist(), found.covariance.tolist()
    (2, [1.0, 2.0], [[2.0, 4.0], [4.0, 8.0]])
    """
    width = check_features(features)
    count = len(features)
    mean = features.sum(axis=0, dtype=np.float64) / max(count, 1)
    scatter = np.zeros((width, width))
    for rows in row_blocks(count):
        centred = features[rows].astype(np.float64) - mean
        scatter += centred.T @ centred
    return Moments(count, mean, scatter)


def combine(left: Moments, right: Moments) -> Moments:
    """Summarise two sets together, from their summaries.

    Source:
        Chan, Golub and LeVeque (1979).

    >>> import numpy as np
    >>> a, b = np.array([[0.0], [2.0]]), np.array([[7.0]])
    >>> both = combine(moments(a), moments(b))
    >>> both.n, both.mean.tolist(), both.covariance.tolist()
    (3, [3.0], [[13.0]])
    """
    n = left.n + right.n
    if n == 0:
        return left
    apart = right.mean - left.mean
    mean = left.mean + apart * (right.n / n)
    scatter = np.outer(apart, apart * (left.n * right.n / n))
    scatter += left.scatter
    scatter += right.scatter
    return Moments(n, mean, scatter)


def remove(whole: Moments, part: Moments) -> Moments:
    """Summarise what is left of a set without some of its rows: the inverse of `combine`.

    Raises:
        PluginError: If the part has more rows than the whole.

    >>> import numpy as np
    >>> rows = np.array([[0.0], [2.0], [7.0]])
    >>> rest = remove(moments(rows), moments(rows[2:]))
    >>> rest.n, rest.mean.tolist(), rest.covariance.tolist()
    (2, [1.0], [[2.0]])
    """
    n = whole.n - part.n
    if n < 0:
        raise PluginError("a part has more rows than the whole")
    if n == 0:
        return Moments(0, np.zeros_like(whole.mean), np.zeros_like(whole.scatter))
    mean = whole.mean + (whole.mean - part.mean) * (part.n / n)
    apart = part.mean - mean
    scatter = np.outer(apart, apart * (-n * part.n / whole.n))
    scatter += whole.scatter
    scatter -= part.scatter
    return Moments(n, mean, scatter)


__all__ = ["Moments", "combine", "moments", "remove"]
