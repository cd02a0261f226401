"""Bounds of a mean of values in [0, 1] that hold however often they are looked at.

Someone who doubts that the mean is m bets against it: each value multiplies
the stake by (1 - t x) / (1 - t m), which gains on average nothing if the mean
is m, and loses if it is more. By Ville's inequality the stake then ever reaches
1 / (1 - confidence) with probability 1 - confidence at most, so an m against
which that much was won may be dropped at once, at any look, for good.

The stake is spread over a fixed grid of bets t, each held for ever. So the
order of the values does not matter, no sequence has to be predicted, and the
capital rises with m and falls with every value: the bound is one bisection.

For yes-or-no values a bet is a likelihood ratio, of odds 1 - t times those of m
against those of m. A grid over odds ratios is therefore as dense at a limit of
0.1 % as at 50 %, from either side, which a grid over stakes is not. It was
chosen by simulating "rate <= 1 %" and "<= 5 %" at 0.25 to 4 times the limit,
looking whenever the sample had grown by 4 %. Values needed on average to decide
at 1 %, at 0.25, 0.5, 0.9, 1.1, 2 and 4 times the limit, and with no event:

    stake spread evenly, 0.4 on t = 1    1100  3392  51162  52290  1536  247  374
    centred on ln 2, 0.2 on t = 1         911  2540  48065  49035  1083  193  404
    centred on ln 2, 0.3 on t = 1 (used)  894  2570  48724  49497  1126  200  374
    centred on ln 2, 0.4 on t = 1         903  2596  49160  50032  1171  204  359

The bet t = 1 wins only while every value is 0, and then the most that can be
won: n zeros bound the mean at 1 - (0.3 (1 - confidence))^(1/n) or less.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import NonFiniteError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL_IN = 0.3
"""Share of the stake on t = 1."""
_LOG_ODDS = np.geomspace(1e-3, 8.0, 64)
_CAUCHY = 1.0 / (1.0 + (np.log(_LOG_ODDS / log(2.0)) / 0.7) ** 2)
BETS: NDArray[np.float64] = np.append(-np.expm1(-_LOG_ODDS), 1.0)
"""float64 [65]: each t, 1 minus the odds ratio that it is the best bet on."""
STAKES: NDArray[np.float64] = np.append((1.0 - ALL_IN) * _CAUCHY / _CAUCHY.sum(), ALL_IN)
"""float64 [65], adding up to 1: half the odds gets most of what is not all in."""


def betting_upper(values: NDArray[np.float64], confidence: float) -> float:
    """Bound the mean of independent values in [0, 1] from above, at any stopping time.

    It is the largest m with capital below 1 / (1 - confidence), the capital
    being the sum over bets of stake * prod((1 - t x) / (1 - t m)).

    Args:
        values: float64 [n], independent (one a prompt), in any order. They are
            clipped to [0, 1].
        confidence: One-sided confidence in [0.5, 1), for all looks together.

    Returns:
        At least the mean of the values; 1 where there are none.

    Raises:
        NonFiniteError: If a value is NaN or infinite.

    Source:
        Waudby-Smith and Ramdas (2024), "Estimating means of bounded random
        variables by betting": a capital process with bets t / (1 - t m), spread
        as its "diversified Kelly"; Ville (1939).

    >>> import numpy as np
    >>> round(betting_upper(np.zeros(300), 0.95), 4), round(1 - (0.3 * 0.05) ** (1 / 300), 4)
    (0.0124, 0.0139)
    """
    if not np.isfinite(values).all():
        raise NonFiniteError("a value to be bounded is not finite")
    seen, counts = np.unique(np.clip(values, 0.0, 1.0), return_counts=True)
    n = float(counts.sum())
    if n == 0.0:
        return 1.0
    won = np.log(STAKES) + _log_products(seen, counts)
    enough = -log(1.0 - confidence)
    inside, outside = float((seen * counts).sum() / n), 1.0
    while (middle := 0.5 * (inside + outside)) not in (inside, outside):
        if np.logaddexp.reduce(won - n * np.log1p(-BETS * middle)) < enough:
            inside = middle
        else:
            outside = middle
    return outside


def betting_lower(values: NDArray[np.float64], confidence: float) -> float:
    """Bound the mean of independent values in [0, 1] from below, at any stopping time.

    Args:
        values: float64 [n], as for `betting_upper`.
        confidence: One-sided confidence in [0.5, 1), for all looks together.

    Returns:
        At most the mean of the values; 0 where there are none.

    >>> import numpy as np
    >>> betting_lower(np.array([]), 0.95), round(betting_lower(np.ones(300), 0.95), 4)
    (0.0, 0.9876)
    """
    return 1.0 - betting_upper(1.0 - values, confidence)


def _log_products(seen: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give log prod(1 - t x) for each bet: float64 [65], -inf where t = x = 1."""
    with np.errstate(divide="ignore"):
        return np.array([(counts * np.log1p(-t * seen)).sum() for t in BETS])
