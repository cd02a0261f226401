"""A paired test that asks only that the two sides could have changed places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

ROUNDING = 1e-9
"""Statistics closer than this share of the largest one count as equal."""
CELLS = 1 << 20
"""Signs held at once."""


def swap_p_value(
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    *,
    seed: int,
    draws: int = 9_999,
) -> float:
    """Test that two sides do not differ, by swapping them cluster by cluster.

    Two-sided: p = (1 + draws at least as far from 0 as what was seen) /
    (1 + draws). Where all swaps are at most 1 + draws, each is taken once and p
    is their share. Clusters in which both sides are the same swap to no effect
    and are only added up. Neither the order of clusters nor which side is
    called ours changes p.

    Args:
        ours: float64 [C, K], sums by cluster.
        theirs: float64 [C, K], sums of the same clusters.
        statistic: Gives the difference, float64 [D], of totals float64 [D, K] of
            ours and theirs. A draw where it is not finite counts as far out.
        seed: Names the draws.
        draws: How many.

    Returns:
        In (0, 1]; 1 where nothing differs, or the difference seen is not finite.

    Source:
        Fisher (1935); Phipson and Smyth (2010) for the 1 +.

    >>> import numpy as np
    >>> ours, theirs = np.array([[1.0], [2.0], [4.0]]), np.zeros((3, 1))
    >>> swap_p_value(ours, theirs, lambda a, b: (a - b)[:, 0], seed=0)
    0.25
    """
    first, second = _in_one_order(ours, theirs)
    differs = (first != second).any(axis=1)
    shared, step = first.sum(axis=0), (second - first)[differs]
    observed = _observed(ours, theirs, statistic)
    if not step.size or not np.isfinite(observed):
        return 1.0
    clusters = step.shape[0]
    is_exact = clusters < (draws + 1).bit_length()
    swaps = _all_swaps(clusters) if is_exact else _random_swaps(clusters, draws, seed)
    everything = shared + second.sum(axis=0)
    found = []
    for swap in swaps:
        totals = shared + swap @ step
        found.append(np.abs(statistic(totals, everything - totals)))
    far = _count_far(np.concatenate(found), observed)
    return far / 2.0**clusters if is_exact else (1.0 + far) / (1.0 + draws)


def _in_one_order(
    ours: NDArray[np.float64], theirs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put the smaller side of each cluster first, and the clusters in order.

    What remains no longer says whose side is whose, as the null hypothesis has it.
    """
    width = ours.shape[1]
    both = np.concatenate((ours, theirs), axis=1)
    turned = np.concatenate((theirs, ours), axis=1)
    where = (both != turned).argmax(axis=1)[:, None]
    is_smaller = np.take_along_axis(both, where, 1) <= np.take_along_axis(turned, where, 1)
    rows = np.where(is_smaller, both, turned)
    rows = rows[np.lexsort(rows.T[::-1])]
    return rows[:, :width], rows[:, width:]


def _observed(
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
) -> float:
    totals = [np.sort(side, axis=0).sum(axis=0, keepdims=True) for side in (ours, theirs)]
    return abs(float(statistic(totals[0], totals[1])[0]))


def _all_swaps(clusters: int) -> Iterator[NDArray[np.float64]]:
    codes = np.arange(1 << clusters, dtype=np.int64)
    yield ((codes[:, None] >> np.arange(clusters)) & 1).astype(np.float64)


def _random_swaps(clusters: int, draws: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield float64 [rows, clusters] of fair coins, `draws` rows in all."""
    source = np.random.PCG64(seed)
    words, rows = -(-clusters // 64), max(1, CELLS // clusters)
    for start in range(0, draws, rows):
        size = min(rows, draws - start)
        raw = np.asarray(source.random_raw(size * words), dtype="<u8").view(np.uint8)
        coins = np.unpackbits(raw.reshape(size, words * 8), axis=1, count=clusters)
        yield coins.astype(np.float64)


def _count_far(found: NDArray[np.float64], observed: float) -> int:
    """Count the statistics that are not less than the one seen, to rounding."""
    scale = float(found[np.isfinite(found)].max(initial=observed))
    return int((~(found < observed - ROUNDING * scale)).sum())
