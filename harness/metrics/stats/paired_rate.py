"""A one-sided bound of a weighted difference of two rates, however few prompts differ.

A t interval fails where only a few prompts differ: with 125 prompts of four
outputs, one prompt that differs in one output gives a narrower bound than none.
Here each kind of pair has an exact bound of its own, on the effective sample
size of clustered outputs, and the bounds are put together as variances are.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.stats.clustered_proportion import clustered_upper

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pairs:
    """How many pairs of outputs of each prompt are events on one side alone, or on both.

    float64 [C] whole numbers, together at most the outputs of the prompt. Where
    scores are missing, each is the worst for the bound that is asked for.
    """

    only_ours: NDArray[np.float64]
    only_theirs: NDArray[np.float64]
    both: NDArray[np.float64]


def match(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Pairs:
    """Pair the events of each prompt, float64 [C] on either side, as far as they go.

    >>> import numpy as np
    >>> found = match(np.array([3.0, 0.0]), np.array([1.0, 2.0]))
    >>> found.only_ours.tolist(), found.only_theirs.tolist(), found.both.tolist()
    ([2.0, 0.0], [0.0, 2.0], [1.0, 0.0])
    """
    both = np.minimum(ours, theirs)
    return Pairs(ours - both, theirs - both, both)


def paired_upper(
    sizes: NDArray[np.float64], pairs: Pairs, scale: float, confidence: float
) -> float:
    """Bound rate_ours - scale * rate_theirs from above.

    The difference is a - scale b + (1 - scale) c, with a and b the shares of pairs
    that are events on our and on their side alone, and c on both. With U the exact
    upper bound of a share that counts up, L the lower one of a share that counts
    down, the bound is value + sqrt(sum of (weight * (bound - share))^2). It never
    falls when a share that counts up grows, or one that counts down shrinks.

    Args:
        sizes: float64 [C], planned outputs of each prompt.
        pairs: How they agree.
        scale: Above 0.
        confidence: One-sided confidence in (0.5, 1).

    Returns:
        At most 1.

    Source:
        Zou and Donner (2008), "Construction of confidence limits about effect
        measures"; Newcombe (1998); shares of distinct kinds of pair hardly depend
        on each other while they are small.

    >>> import numpy as np
    >>> none = np.zeros(125)
    >>> round(paired_upper(np.full(125, 4.0), Pairs(none, none, none), 1.0, 0.95), 4)
    0.0237
    """
    n = float(sizes.sum())
    weighted = ((1.0, pairs.only_ours), (-scale, pairs.only_theirs), (1.0 - scale, pairs.both))
    value = squares = 0.0
    for weight, events in weighted:
        share = float(events.sum()) / n
        if weight > 0.0:
            reach = clustered_upper(sizes, events, confidence).upper - share
        else:
            reach = share - 1.0 + clustered_upper(sizes, sizes - events, confidence).upper
        value += weight * share
        squares += (weight * reach) ** 2
    return min(1.0, value + sqrt(squares))
