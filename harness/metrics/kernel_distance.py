"""Kernel distances of two sets of features: KID and CMMD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.features import check_features, middle, row_blocks, squared_distances
from harness.metrics.kernel_sums import Discrepancy, kernel_sums, without_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.features import Features, Tile

SIGMA = 10.0
"""Bandwidth of CMMD's Gaussian kernel (Jayasumana et al. 2024)."""
CMMD_SCALE = 1000.0
"""CMMD is shown in thousandths (their published code)."""
_AT_ONCE = 64
"""Rows of a tile that are cubed together: few enough to stay in a core's cache."""


def kid(generated: Features, reference: Features) -> Discrepancy | None:
    """Kernel distance with k(x, y) = (x.y / D + 1)^3; None where a set has under two rows.

    The unbiased squared discrepancy over all pairs, with its standard error. The
    usual "mean +- std" over 100 random subsets of 1,000 averages estimates of this
    number; its "std" is the spread of a subset of 1,000 and no standard error.

    Args:
        generated: Finite, [N, D].
        reference: Finite, [M, D].

    Returns:
        The value, 0 on average for equal distributions and so negative half of the
        time, with the standard error.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.

    Source:
        Binkowski et al. (2018), section 4; Gretton et al. (2012), equation 3.

    >>> import numpy as np  # pairs: within (1*3+1)^3 = 64 and (0+1)^3 = 1; across 1 each
    >>> kid(np.array([[1.0], [3.0]]), np.array([[0.0], [0.0]])).value
    63.0
    """
    check_features(generated, reference)
    if min(len(generated), len(reference)) < 2:
        return None
    sums = kernel_sums(generated, reference, _cubic(generated, reference))
    return Discrepancy(sums.unbiased(), sums.standard_error())


def kid_without_each(
    generated: Features, reference: Features, group: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Compute KID without each group of generated rows in turn, in one pass over the pairs.

    Args:
        generated: Finite, [N, D].
        reference: Finite, [M, D].
        group: int64 [N], each row's group, from 0 to G - 1 without gaps.

    Returns:
        float64 [G]; None where the reference, or some rest, has under two rows.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.

    >>> import numpy as np  # without the last row: as above
    >>> rows, none = np.array([[1.0], [3.0], [0.0]]), np.array([[0.0], [0.0]])
    >>> kid_without_each(rows, none, np.array([0, 1, 2])).tolist()
    [0.0, 0.0, 63.0]
    """
    check_features(generated, reference)
    if _too_few(len(generated), reference, group):
        return None
    kernel = _cubic(generated, reference)
    rests = without_each(generated, reference, kernel, group)
    return np.array([rest.unbiased() for rest in rests])


def cmmd(generated: Features, reference: Features) -> Discrepancy | None:
    """Gaussian-kernel distance of CLIP embeddings; None where a set has under two rows.

    1000 MMD^2 with k(x, y) = exp(-|x - y|^2 / (2 * 10^2)), over all pairs as in the
    published code, hence never negative and biased up by about 1/n. On embeddings
    of length 1 no two are further apart than 2, so k is 1 - |x - y|^2 / 200 to within
    2 % and CMMD is ten times the squared distance of the two means: it sees a mean
    shift, and hardly a change of spread or shape.

    Args:
        generated: Finite, [N, D], L2-normalised.
        reference: Finite, [M, D], L2-normalised.

    Returns:
        The value, with the standard error of its unbiased form.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.

    Source:
        Jayasumana et al. (2024), Rethinking FID, and the published code.

    >>> import numpy as np  # 2000 * (1 - exp(-4 / 200))
    >>> round(cmmd(np.array([[1.0], [1.0]]), np.array([[-1.0], [-1.0]])).value, 4)
    39.6027
    """
    check_features(generated, reference)
    if min(len(generated), len(reference)) < 2:
        return None
    sums = kernel_sums(generated, reference, _gaussian_less_one)
    error = sums.standard_error()
    return Discrepancy(
        CMMD_SCALE * sums.biased(), None if error is None else CMMD_SCALE * error
    )


def cmmd_without_each(
    generated: Features, reference: Features, group: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Compute CMMD without each group of generated rows in turn, in one pass over the pairs.

    Args:
        generated: Finite, [N, D], L2-normalised.
        reference: Finite, [M, D], L2-normalised.
        group: int64 [N], each row's group, from 0 to G - 1 without gaps.

    Returns:
        float64 [G]; None where the reference, or some rest, has under two rows.

    Raises:
        NonFiniteError: If a feature is NaN or an infinity.
        PluginError: If the widths differ.
    """
    check_features(generated, reference)
    if _too_few(len(generated), reference, group):
        return None
    rests = without_each(generated, reference, _gaussian_less_one, group)
    return np.array([CMMD_SCALE * rest.biased() for rest in rests])


def _too_few(count: int, reference: Features, group: NDArray[np.int64]) -> bool:
    return min(count - int(np.bincount(group).max(initial=0)), len(reference)) < 2


def _cubic(generated: Features, reference: Features) -> _Cubic:
    # A constant added to the kernel cancels; near its mean the sums lose fewer digits.
    centre = middle(generated, reference)
    width = len(centre)
    return _Cubic(width, float((centre @ centre / width + 1.0) ** 3))


@dataclass(frozen=True, slots=True)
class _Cubic:
    """(x.y / width + 1)^3 - shift."""

    width: int
    shift: float

    def __call__(self, tile: Tile) -> NDArray[np.float64]:
        values: NDArray[np.float64] = tile.left @ tile.right.T
        for rows in row_blocks(len(values), _AT_ONCE):
            part = values[rows]
            part /= self.width
            part += 1.0
            part *= part * part
            part -= self.shift
        return values


def _gaussian_less_one(tile: Tile) -> NDArray[np.float64]:
    """The kernel less 1, which cancels: near 1 it would lose digits."""
    squares = squared_distances(tile)
    squares /= -2.0 * SIGMA**2
    return np.expm1(squares, out=squares)


__all__ = ["CMMD_SCALE", "SIGMA", "cmmd", "cmmd_without_each", "kid", "kid_without_each"]
