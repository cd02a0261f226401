"""How many prompts a betting bound takes to clear a limit, at a rate that stays as seen."""

from __future__ import annotations

from math import log
from typing import Literal

import numpy as np

from harness.metrics.stats.betting import BETS, STAKES
from harness.metrics.stats.sample_size import MOST


def prompts_needed_in_rounds(
    rate: float, limit: float, op: Literal["<=", ">="], confidence: float
) -> int | None:
    """Count the prompts that would pass a rule on a rate, however often one looks.

    Samples of one prompt are taken to agree, which is the least they can say.

    Args:
        rate: The rate seen, in [0, 1].
        limit: The limit of the rule.
        op: Which side of the limit is good.
        confidence: One-sided confidence in [0.5, 1), for all looks together.

    Returns:
        None where the rate itself does not keep the limit: no number would do.

    Source:
        The capital of `betting` against a mean at the limit after n values, of
        which a share `rate` is 1. Its logarithm is convex in n and 0 at n = 0,
        so it passes what must be won once and for all.

    >>> prompts_needed_in_rounds(0.0, 0.05, "<=", 0.95)
    74
    """
    if op == ">=":
        rate, limit = 1.0 - rate, 1.0 - limit
    if rate >= limit:
        return None
    with np.errstate(divide="ignore"):
        lost = rate * np.log1p(-BETS) if rate > 0.0 else np.zeros_like(BETS)
    gains, stakes = lost - np.log1p(-BETS * limit), np.log(STAKES)
    enough = -log(1.0 - confidence)
    low, high = 0, 1
    while np.logaddexp.reduce(stakes + high * gains) < enough:
        low, high = high, 2 * high
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        won = np.logaddexp.reduce(stakes + middle * gains) >= enough
        low, high = (low, middle) if won else (middle, high)
    return high
