"""What many tests at once may claim: Holm for any error, Benjamini-Hochberg for a share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import NonFiniteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that those below a have any error at all with chance a at most.

    Args:
        p_values: In [0, 1], all of the family.

    Returns:
        Adjusted, in the same order: the running maximum, from the smallest up,
        of (m - rank) p, at most 1.

    Raises:
        NonFiniteError: If a p-value is NaN.

    Source:
        Holm (1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p, order = _ordered(p_values)
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    return _put_back(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that of those below q a share of q is wrong on average at most.

    It asks that the tests be independent or positively dependent.

    Args:
        p_values: In [0, 1], all of the family.

    Returns:
        Adjusted, in the same order: the running minimum, from the largest down,
        of m p / rank.

    Raises:
        NonFiniteError: If a p-value is NaN.

    Source:
        Benjamini and Hochberg (1995).

    >>> benjamini_hochberg([0.01, 0.04, 0.02])
    [0.03, 0.04, 0.03]
    """
    p, order = _ordered(p_values)
    scaled = p[order] * p.size / np.arange(1.0, p.size + 1.0)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _put_back(stepped, order)


def holm_rejections(
    family: int, items: Sequence[str], confidence: float, rejects: Callable[[str, float], bool]
) -> frozenset[str]:
    """Reject by Holm's step-down with tests that take a confidence and give no p-value.

    With r items rejected, the others are tested at 1 - (1 - confidence) / (family - r),
    until none is. An item that would not be rejected even if all other
    candidates were is dropped first, so that each costs one call as a rule.

    Args:
        family: Members of the declared family; it counts at least the items.
        items: The members that are candidates; the others are never rejected.
        confidence: Chance that no true hypothesis of the family is rejected.
        rejects: Says whether an item is rejected at a one-sided confidence; what
            is rejected at one is rejected at every lower one.

    Source:
        Holm (1979).

    >>> p = {"a": 0.01, "b": 0.02, "c": 0.2}
    >>> sorted(holm_rejections(3, list(p), 0.95, lambda item, level: p[item] <= 1 - level))
    ['a', 'b']
    """
    answers: dict[tuple[str, int], bool] = {}

    def falls(item: str, among: int) -> bool:
        key = (item, among)
        if key not in answers:
            answers[key] = rejects(item, 1.0 - (1.0 - confidence) / among)
        return answers[key]

    rejected: set[str] = set()
    left = sorted(set(items))
    family = max(family, len(left))
    while left:
        fewest = family - len(rejected) - len(left) + 1
        left = [item for item in left if falls(item, fewest)]
        before = len(rejected)
        for item in left:
            if falls(item, family - len(rejected)):
                rejected.add(item)
        if len(rejected) == before:
            break
        left = [item for item in left if item not in rejected]
    return frozenset(rejected)


def _ordered(p_values: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    p = np.asarray(p_values, dtype=np.float64)
    if np.isnan(p).any():
        raise NonFiniteError("a p-value is not a number")
    return p, np.argsort(p, kind="stable")


def _put_back(stepped: NDArray[np.float64], order: NDArray[np.intp]) -> list[float]:
    found = np.empty_like(stepped)
    found[order] = stepped
    return [float(p) for p in found]
