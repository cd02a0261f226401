"""The one way from two arms' scored rows to their difference and its bounds.

As in `estimate`, the kind of a metric names its interval. Rows are paired by
prompt, which is what makes small differences visible; a missing row on either
side counts as the worst it could be for each bound, and turning a scored row
into a missing one never tightens a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import SpecError
from harness.metrics.anytime import confidence_of_each
from harness.metrics.bounded import bounded
from harness.metrics.contrast_resampled import ratio_contrast, set_contrast
from harness.metrics.p_value import contrast_p_value
from harness.metrics.paired import Paired, Side, pair
from harness.metrics.per_prompt import prompt_numbers
from harness.metrics.resampled import SEED
from harness.metrics.result import Estimate, ordered
from harness.metrics.stats.bootstrap import DRAWS
from harness.metrics.stats.bounded_mean import agreed_upper
from harness.metrics.stats.clusters import total
from harness.metrics.stats.jackknife import GROUPS
from harness.metrics.stats.mean import ClusterSums, t_bounds, worst_sums
from harness.metrics.stats.paired_rate import Pairs, match, paired_upper
from harness.metrics.stats.quantile import QuantileBounds, quantile_bounds
from harness.metrics.stats.tango import tango_bounds
from harness.protocols import (
    Count,
    Kind,
    Mean,
    MetricDef,
    OfSet,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.rows import Rows

CONTRASTS: Mapping[type[Kind], str] = {
    Proportion: "paired-tango/cr2-t+zou-donner",
    Mean: "paired-cr2-t",
    Ratio: f"paired-bca-{DRAWS}/seed-{SEED}+jackknife-t",
    Quantile: "order-statistic/bonferroni-2",
    Count: "census",
    PerPrompt: "paired-cr2-t",
    OfSet: f"paired-jackknife-{GROUPS}",
}
"""The interval of a difference of each kind, for signatures."""


def contrast(
    definition: MetricDef, ours: Side, theirs: Side, *, scale: float, confidence: float
) -> Estimate:
    """Estimate value(ours) - scale * value(theirs), paired by prompt. Row order never matters.

    The value is made of all that each side scored. `n` counts the rows scored on
    both sides, `missing` the other planned ones. By kind:

    - Proportion: Tango's score interval where each prompt has one row and the
      scale is 1. Else the wider, on each side, of the clustered t interval of
      per-prompt differences and `paired_upper`, which holds for rare events.
    - Mean, PerPrompt: the clustered t interval of per-prompt differences. Where
      all prompts differ by the same, `agreed_upper` takes over, if both sides
      have declared bounds; else there is no bound.
    - Ratio: the wider, on each side, of the BCa bootstrap of the difference,
      prompts drawn jointly, and its delete-one jackknife.
    - OfSet: delete-a-group jackknife of the difference, prompts left out jointly.
    - Quantile: both sides' order statistics at half the error each (Bonferroni),
      which is valid but gains nothing from the pairing.
    - Count: the difference of two censuses.

    Args:
        definition: What the metric is.
        ours: One arm.
        theirs: The other: the same prompts, each planned as often.
        scale: Above 0. 1 gives the difference; 1 + m a margin relative to theirs,
            "ours <= (1 + m) theirs" being a contrast of at most 0.
        confidence: Of each bound on its own, in (0.5, 1).

    Raises:
        NonFiniteError: If a score, or what a metric's function returns, is not finite.
        PluginError: If a score is not of the kind its metric declares.
        SpecError: If the sides plan different prompts, or a number is out of range.

    Source:
        Miller (2024), "Adding Error Bars to Evals", section 4.2, for the pairing.

    >>> import numpy as np
    >>> toxic = MetricDef(kind=Proportion("bad"), unit="share", better="lower")
    >>> none, prompts = np.array([], dtype=np.int64), np.arange(21)
    >>> ours = Side({"bad": prompts < 13}, prompts, none)
    >>> theirs = Side({"bad": (prompts > 0) & (prompts < 20)}, prompts, none)
    >>> found = contrast(toxic, ours, theirs, scale=1.0, confidence=0.975)
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (-0.286, -0.517, -0.026)
    """
    if not 0.5 < confidence < 1.0:
        raise SpecError("a confidence lies above 0.5 and below 1", where=f"{confidence}")
    both = pair(ours, theirs, scale)
    blank = both.blank
    if blank.n == 0 and blank.missing:
        return replace(blank, cause="unscored")
    if blank.n < max(1, definition.n_min):
        return replace(blank, cause="insufficient_n")
    return ordered(_of_kind(definition, both, confidence, blank))


def _of_kind(
    definition: MetricDef, both: Paired, confidence: float, blank: Estimate
) -> Estimate:
    match definition.kind:
        case Proportion() as kind:
            found = _proportion(kind, both, confidence, blank)
        case Mean() as kind:
            found = _mean(kind, both, confidence, blank)
        case PerPrompt() as kind:
            found = _per_prompt(kind, both, confidence, blank)
        case Quantile() as kind:
            found = _quantile(kind, both, confidence, blank)
        case Count() as kind:
            found = _count(kind, both, blank)
        case Ratio() as kind:
            found = ratio_contrast(kind, both, confidence, blank, unit=definition.unit)
        case OfSet() as kind:
            found = set_contrast(kind, both, confidence, blank, unit=definition.unit)
    return found


def _proportion(kind: Proportion, both: Paired, confidence: float, blank: Estimate) -> Estimate:
    """Bound a difference of shares; each bound has the missing rows against it."""
    x, y = (side.layout.sums(side.events(kind.column)) for side in both.rows)
    x_most, y_most = x + both.ours.layout.missing_sizes, y + both.theirs.layout.missing_sizes
    value = float(x.sum()) / both.ours.layout.scored.size
    value -= both.scale * (float(y.sum()) / both.theirs.layout.scored.size)
    start = replace(blank, value=value)
    if both.scale == 1.0 and both.sizes.size == both.sizes.sum():
        above, below = match(x_most, y), match(x, y_most)
        low = tango_bounds(*_discordant(below), both.sizes.size, confidence)[0]
        high = tango_bounds(*_discordant(above), both.sizes.size, confidence)[1]
        return replace(start, low=low, high=high)
    sums = ClusterSums(sizes=both.sizes, lowest=x - both.scale * y_most,
                       highest=x_most - both.scale * y)  # fmt: skip
    found = t_bounds(sums, (-both.scale, 1.0), confidence, flat_upper=agreed_upper)
    above = _worst((x, x_most), (y, y_most), both.scale)
    below = _worst((y, y_most), (x, x_most), 1.0 / both.scale)
    high = paired_upper(both.sizes, above, both.scale, confidence)
    low = -both.scale * paired_upper(both.sizes, below, 1.0 / both.scale, confidence)
    return replace(
        start, low=low if found.low is None else min(low, found.low),
        high=high if found.high is None else max(high, found.high),
    )  # fmt: skip


def _discordant(pairs: Pairs) -> tuple[float, float]:
    return float(pairs.only_ours.sum()), float(pairs.only_theirs.sum())


def _worst(
    ours: tuple[NDArray[np.float64], NDArray[np.float64]],
    theirs: tuple[NDArray[np.float64], NDArray[np.float64]],
    scale: float,
) -> Pairs:
    """Pair events, given the fewest and the most, as bad as can be for an upper bound."""
    worst = match(ours[1], theirs[0])
    both = match(ours[0], theirs[0]) if scale > 1.0 else match(ours[1], theirs[1])
    return replace(worst, both=both.both)


def _mean(kind: Mean, both: Paired, confidence: float, blank: Estimate) -> Estimate:
    added, value = [], 0.0
    for rows, weight in ((both.ours, 1.0), (both.theirs, -both.scale)):
        sums = rows.layout.sums(rows.floats(kind.column, kind.bounds))
        value += weight * (total(sums) / rows.layout.scored.size)
        added.append(worst_sums(sums, rows.layout.missing_sizes, kind.bounds))
    apart = _apart(both.sizes, added, both.scale)
    found = t_bounds(apart, both.span(kind.bounds), confidence, flat_upper=agreed_upper)
    return bounded(apart, found, replace(blank, value=value))


def _per_prompt(kind: PerPrompt, both: Paired, confidence: float, blank: Estimate) -> Estimate:
    x, y = (prompt_numbers(kind, rows) for rows in both.rows)
    if not (x.defined.any() and y.defined.any()):
        return replace(blank, cause="unscored" if blank.missing else "insufficient_n")
    added = [worst_sums(side.known, side.lost, kind.bounds) for side in (x, y)]
    apart = _apart(np.ones(both.sizes.size), added, both.scale)
    found = t_bounds(apart, both.span(kind.bounds), confidence, flat_upper=agreed_upper)
    return bounded(apart, found, replace(blank, value=x.mean - both.scale * y.mean))


def _apart(
    sizes: NDArray[np.float64],
    added: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    scale: float,
) -> ClusterSums:
    """Subtract the least and greatest sums of theirs, scaled, from those of ours."""
    (x_least, x_most), (y_least, y_most) = added
    return ClusterSums(
        sizes=sizes, lowest=x_least - scale * y_most, highest=x_most - scale * y_least
    )


def _quantile(kind: Quantile, both: Paired, confidence: float, blank: Estimate) -> Estimate:
    each = confidence_of_each(confidence, 2)
    x, y = (_order_statistics(kind, rows, each) for rows in both.rows)
    values = [float(np.quantile(rows.floats(kind.column), kind.q)) for rows in both.rows]
    low = None if x.low is None or y.high is None else x.low - both.scale * y.high
    high = None if x.high is None or y.low is None else x.high - both.scale * y.low
    cause = ""
    if low is None or high is None:
        cause = "unscored" if blank.missing else "insufficient_n"
    value = values[0] - both.scale * values[1]
    return replace(blank, value=value, low=low, high=high, cause=cause)


def _order_statistics(kind: Quantile, rows: Rows, confidence: float) -> QuantileBounds:
    sizes = rows.layout.sizes
    effective = float(sizes.sum()) ** 2 / float((sizes * sizes).sum())
    lost = rows.layout.missing.size
    return quantile_bounds(rows.floats(kind.column), kind.q, effective, lost, confidence)


def _count(kind: Count, both: Paired, blank: Estimate) -> Estimate:
    """Subtract two censuses; a side with a missing row may be any number larger."""
    x, y = (sum(rows.counts(kind.column)) for rows in both.rows)
    value = float(x - y) if both.scale == 1.0 else float(x) - both.scale * float(y)
    low = None if both.theirs.layout.missing.size else value
    high = None if both.ours.layout.missing.size else value
    return replace(
        blank, value=value, low=low, high=high, cause="unscored" if blank.missing else ""
    )


__all__ = ["CONTRASTS", "Side", "contrast", "contrast_p_value"]
