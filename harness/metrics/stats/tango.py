"""One-sided bounds of a difference of two rates measured on the same pairs."""

from __future__ import annotations

from math import sqrt


def tango_bounds(
    only_ours: float, only_theirs: float, pairs: float, confidence: float
) -> tuple[float, float]:
    """Bound p_ours - p_theirs from each side by inverting the score test.

    A difference d is kept while (only_ours - only_theirs - pairs d)^2 is at most
    z^2 pairs (2 q + d (1 - d)), where q is the likeliest share of pairs with
    only_theirs if the difference is d. Without any discordant pair the bounds
    are -+ z^2 / (pairs + z^2), never 0.

    Args:
        only_ours: Pairs with the event on our side alone; may be fractional.
        only_theirs: Pairs with the event on their side alone.
        pairs: All pairs, or an effective number of them, above 0.
        confidence: One-sided confidence in [0.5, 1), of each bound.

    Returns:
        Lower and upper bound, in [-1, 1], the observed difference between them.

    Source:
        Tango (1998), "Equivalence test and confidence interval for the
        difference in proportions for the paired-sample design", equations 5 to 9.

    >>> low, high = tango_bounds(1, 7, 21, 0.975)
    >>> round(low, 3), round(high, 3)
    (-0.517, -0.026)
    """
    low = -_upper(only_theirs, only_ours, pairs, confidence)
    return low, _upper(only_ours, only_theirs, pairs, confidence)


def _upper(more: float, less: float, pairs: float, confidence: float) -> float:
    from scipy.special import ndtri

    square = float(ndtri(confidence)) ** 2
    inside, outside = (more - less) / pairs, 1.0
    while (middle := 0.5 * (inside + outside)) not in (inside, outside):
        gap = more - less - pairs * middle
        share = _likeliest_share(more, less, pairs, middle)
        if gap * gap <= square * pairs * (2.0 * share + middle * (1.0 - middle)):
            inside = middle
        else:
            outside = middle
    return outside


def _likeliest_share(more: float, less: float, pairs: float, difference: float) -> float:
    """Maximise the likelihood over the share of `less` pairs, at a given difference.

    It is the larger root of a q^2 + b q + c, taken in the form without cancellation.
    """
    a = 2.0 * pairs
    b = (2.0 * pairs - more + less) * difference - more - less
    c = -less * difference * (1.0 - difference)
    root = sqrt(max(b * b - 4.0 * a * c, 0.0))
    if b <= 0.0:
        return (root - b) / (2.0 * a)
    return -2.0 * c / (root + b)
