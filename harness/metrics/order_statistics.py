"""What k draws of a prompt would show, estimated without bias from n draws.

The usual estimate takes the maximum of the n draws at hand as that of k and is
biased; these average over every choice of k of the n draws, in closed form.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def expected_max(values: NDArray[np.float64], k: int) -> float | None:
    """Estimate the expected greatest of k draws.

    E[max_k] = sum over i of x_(i) C(i-1, k-1) / C(n, k), x_(1) <= ... <= x_(n).

    Args:
        values: float64 [n], the draws of one prompt.
        k: At least 1.

    Returns:
        The mean of the maximum over all subsets of k; None where n < k.

    Source:
        The U-statistic of the maximum (Hoeffding, 1948); for k samples of a
        model, Dodge et al. (2019), section 3, without replacement.

    >>> expected_max(np.array([0.0, 0.2, 0.6]), 2)  # (0.2 + 0.6 + 0.6) / 3
    0.4666666666666666
    >>> expected_max(np.array([0.5]), 2) is None
    True
    """
    if len(values) < k:
        return None
    ordered = np.sort(values)
    total = float(ordered @ _weights(len(values), k))
    # The weights sum to 1 but for rounding; the estimate never leaves the data.
    return min(max(total, float(ordered[0])), float(ordered[-1]))


def any_of(hits: NDArray[np.float64], k: int) -> float | None:
    """Estimate the probability that at least one of k draws is a hit.

    P(any) = 1 - C(n - c, k) / C(n, k), with c hits among n draws.

    Args:
        hits: float64 [n], 1 for a hit and 0 for none, the draws of one prompt.
        k: At least 1.

    Returns:
        The share of subsets of k with a hit, in [0, 1]; None where n < k.

    Source:
        Chen et al. (2021), equation 1 (pass@k).

    >>> any_of(np.array([1.0, 0.0, 0.0]), 2)  # two of three pairs hold the hit
    0.6666666666666667
    >>> any_of(np.array([1.0]), 2) is None
    True
    """
    n, misses = len(hits), len(hits) - int(np.count_nonzero(hits))
    if n < k:
        return None
    drawn = np.arange(k, dtype=np.float64)
    return float(1 - np.prod(np.maximum(misses - drawn, 0) / (n - drawn)))


@lru_cache(maxsize=64)
def _weights(n: int, k: int) -> NDArray[np.float64]:
    """C(i-1, k-1) / C(n, k) for i = 1..n, by ratios down from k / n: none overflows."""
    i = np.arange(n - 1, k - 1, -1, dtype=np.float64)
    weights = np.zeros(n)
    weights[k - 1 :] = np.cumprod(np.concatenate([[k / n], (i - k + 1) / i]))[::-1]
    weights.flags.writeable = False
    return weights
