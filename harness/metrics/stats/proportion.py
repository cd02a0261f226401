"""One-sided bounds of a proportion of independent trials: exact and Wilson."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def exact_lower(events: ArrayLike, trials: ArrayLike, confidence: float) -> NDArray[np.float64]:
    """Bound a rate from below, exactly; `events` and `trials` may be fractional.

    Args:
        events: Events seen, 0 <= events <= trials, any shape.
        trials: Independent trials, or an effective number of them, above 0.
        confidence: One-sided confidence in [0.5, 1).

    Returns:
        float64, broadcast shape; 0 where there are no events.

    Source:
        Clopper and Pearson (1934), as quantiles of the beta distribution, which
        is what extends it to the effective sizes of Korn and Graubard (1998).

    >>> round(float(exact_lower(2, 2, 0.975)), 4)
    0.1581
    """
    missed = np.asarray(trials, dtype=np.float64) - np.asarray(events, dtype=np.float64)
    return 1.0 - exact_upper(missed, trials, confidence)


def exact_upper(events: ArrayLike, trials: ArrayLike, confidence: float) -> NDArray[np.float64]:
    """Bound a rate from above, exactly; `events` and `trials` may be fractional.

    Args:
        events: Events seen, 0 <= events <= trials, any shape.
        trials: Independent trials, or an effective number of them, above 0.
        confidence: One-sided confidence in [0.5, 1).

    Returns:
        float64, broadcast shape; 1 where every trial is an event.

    Source:
        Clopper and Pearson (1934); Korn and Graubard (1998).

    >>> round(float(exact_upper(0, 10, 0.975)), 4)
    0.3085
    """
    from scipy.special import betaincinv

    k = np.asarray(events, dtype=np.float64)
    rest = np.asarray(trials, dtype=np.float64) - k
    all_events = rest <= 0
    bound = betaincinv(k + 1.0, np.where(all_events, 1.0, rest), confidence)
    return np.asarray(np.where(all_events, 1.0, bound), dtype=np.float64)


def wilson_lower(events: float, trials: float, confidence: float) -> float:
    """Bound a rate from below by inverting the score test.

    Source:
        Wilson (1927).

    >>> round(wilson_lower(30, 100, 0.975), 4)
    0.2189
    """
    return 1.0 - wilson_upper(trials - events, trials, confidence)


def wilson_upper(events: float, trials: float, confidence: float) -> float:
    """Bound a rate from above by inverting the score test.

    Narrower than the exact bound and right only on average: it is offered for
    reports, and no gate rests on it.

    Source:
        Wilson (1927).

    >>> round(wilson_upper(30, 100, 0.975), 4)
    0.3958
    """
    from scipy.special import ndtri

    z = float(ndtri(confidence))
    rate = events / trials
    spread = z * np.sqrt(rate * (1.0 - rate) / trials + z * z / (4.0 * trials * trials))
    return min(1.0, float((rate + z * z / (2.0 * trials) + spread) / (1.0 + z * z / trials)))
