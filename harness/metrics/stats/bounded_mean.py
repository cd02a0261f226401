"""A bound of a mean of values in [0, 1] that needs no spread to be seen."""

from __future__ import annotations

from math import log


def bounded_upper(mean: float, trials: float, confidence: float) -> float:
    """Bound the expectation of independent values in [0, 1] from above.

    It is the largest m with trials * KL(mean, m) <= -log(1 - confidence): valid
    for any values in [0, 1], because among those with expectation m a coin has
    the heaviest tails. At mean 0 it equals the exact binomial bound, elsewhere
    it is wider.

    Args:
        mean: Mean of the values, in [0, 1].
        trials: Independent values it is the mean of.
        confidence: One-sided confidence in [0.5, 1).

    Source:
        Hoeffding (1963), theorem 1, in its unweakened (Chernoff) form.

    >>> round(bounded_upper(0.0, 5, 0.95), 4)
    0.4507
    """
    mean = min(max(mean, 0.0), 1.0)
    allowed = -log(1.0 - confidence) / trials
    inside, outside = mean, 1.0
    while (middle := 0.5 * (inside + outside)) not in (inside, outside):
        if _divergence(mean, middle) <= allowed:
            inside = middle
        else:
            outside = middle
    return outside


def _divergence(seen: float, supposed: float) -> float:
    """Kullback-Leibler divergence of two coins, in nats; 0 < supposed < 1."""
    heads = seen * log(seen / supposed) if seen > 0.0 else 0.0
    tails = (1.0 - seen) * log((1.0 - seen) / (1.0 - supposed)) if seen < 1.0 else 0.0
    return heads + tails
