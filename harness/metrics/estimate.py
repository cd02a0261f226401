"""The one way from scored rows to a metric's value and its bounds.

The kind of a metric names its interval, so nobody can choose a wrong one. The
plan is the denominator: missing rows are never dropped, they widen. Where a
missing value could be anything there is no bound on that side, and turning a
scored row into a missing one never tightens a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import SpecError
from harness.metrics.anytime import EACH_LOOK, confidence_of_each, hold_at_every_look
from harness.metrics.bounded import bounded
from harness.metrics.per_prompt import prompt_numbers
from harness.metrics.resampled import (
    SEED,
    hold_share,
    ratio_estimate,
    ratio_weight,
    set_estimate,
)
from harness.metrics.result import Estimate, ordered
from harness.metrics.rows import Rows
from harness.metrics.stats.bootstrap import DRAWS
from harness.metrics.stats.clustered_proportion import clustered_upper, effective_sizes
from harness.metrics.stats.clusters import lay_out, total
from harness.metrics.stats.jackknife import GROUPS
from harness.metrics.stats.mean import ClusterSums, design_effect, mean_bounds, worst_sums
from harness.metrics.stats.quantile import quantile_bounds
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

    from harness.metrics.rows import Column

METHODS: Mapping[type[Kind], str] = {
    Proportion: "clopper-pearson/korn-graubard",
    Mean: "betting/cr2-t",
    Ratio: f"bca-{DRAWS}/seed-{SEED}",
    Quantile: "order-statistic",
    Count: "census",
    PerPrompt: "betting/cr2-t",
    OfSet: f"jackknife-{GROUPS}",
}
"""The interval of each kind, for signatures.

A mean is bounded by bets on its prompts' means where both bounds are declared and
prompts are of one size, else by t.
"""
SEQUENTIAL_METHODS: Mapping[type[Kind], str] = {
    kind: f"{'betting/' if how == 'betting' else ''}{METHODS[kind].removeprefix('betting/')}"
    f"{'/union' if how else ''}"
    for kind, how in EACH_LOOK.items()
}
"""The same where rows are looked at while they grow: a union bound wherever no bet fits."""


def estimate(
    definition: MetricDef,
    columns: Mapping[str, Column],
    clusters: NDArray[np.int64],
    *,
    missing: NDArray[np.int64],
    confidence: float,
    looks: int = 0,
) -> Estimate:
    """Compute a metric from its scored rows. The order of rows never matters.

    Args:
        definition: What the metric is. A Ratio or OfSet whose unit is `share`
            lies in [0, 1], and its bounds are held to that.
        columns: Scored rows: arrays [n], or lists of n texts or number lists.
        clusters: int64 [n], the prompt of each scored row, any numbering.
        missing: int64 [m], the prompt of each planned row without a score.
        confidence: Of each bound on its own, in (0.5, 1).
        looks: 0 where the number of rows was fixed beforehand. Else how often they
            may be looked at while they grow by whole prompts: each bound then
            holds at all looks together.

    Raises:
        NonFiniteError: If a score, or what a metric's function returns, is not finite.
        PluginError: If a score is not of the kind its metric declares.
        SpecError: If `confidence` or `looks` is out of range.

    >>> import numpy as np
    >>> safe = MetricDef(kind=Proportion("bad"), unit="share", better="lower")
    >>> none = np.array([], dtype=np.int64)
    >>> seen = {"bad": np.zeros(299, dtype=bool)}
    >>> found = estimate(safe, seen, np.arange(299), missing=none, confidence=0.95)
    >>> found.value, round(found.high, 4)
    (0.0, 0.01)
    """
    if not 0.5 < confidence < 1.0:
        raise SpecError("a confidence lies above 0.5 and below 1", where=f"{confidence}")
    each = confidence_of_each(confidence, looks)
    layout = lay_out(clusters, missing)
    n, lost = layout.scored.size, layout.missing.size
    blank = Estimate(n=n, missing=lost, clusters=layout.clusters)
    if n == 0 and lost:
        return replace(blank, cause="unscored")
    if n < max(1, definition.n_min):
        return replace(blank, cause="insufficient_n")
    rows = Rows(columns, layout)
    found = _of_kind(definition, rows, each, blank)
    if looks:
        found = hold_at_every_look(definition.kind, rows, found, confidence)
    return ordered(found)


def _of_kind(definition: MetricDef, rows: Rows, confidence: float, blank: Estimate) -> Estimate:
    share = definition.unit == "share"
    match definition.kind:
        case Proportion() as kind:
            found = _proportion(kind, rows, confidence, blank)
        case Mean() as kind:
            found = _mean(kind, rows, confidence, blank)
        case PerPrompt() as kind:
            found = _per_prompt(kind, rows, confidence, blank)
        case Quantile() as kind:
            found = _quantile(kind, rows, confidence, blank)
        case Count() as kind:
            found = _count(kind, rows, blank)
        case Ratio() as kind:
            found = ratio_estimate(kind, rows, confidence, blank)
            found = hold_share(found, ratio_weight(kind, rows), confidence) if share else found
        case OfSet() as kind:
            found = set_estimate(kind, rows, confidence, blank)
            prompts = float(rows.layout.clusters)
            found = hold_share(found, prompts, confidence) if share else found
    return found


def _proportion(kind: Proportion, rows: Rows, confidence: float, blank: Estimate) -> Estimate:
    layout = rows.layout
    events = layout.sums(rows.events(kind.column))
    scored, lost, sizes = layout.scored_sizes, layout.missing_sizes, layout.sizes
    upper = clustered_upper(sizes, events + lost, confidence)
    lower = clustered_upper(sizes, sizes - events, confidence)
    used = scored > 0
    effective = upper.effective
    if blank.missing:
        effective = float(effective_sizes(scored[used], events[used], confidence)[-1])
    return replace(
        blank, value=float(events.sum()) / blank.n, low=1.0 - lower.upper, high=upper.upper,
        design_effect=blank.n / effective,
    )  # fmt: skip


def _mean(kind: Mean, rows: Rows, confidence: float, blank: Estimate) -> Estimate:
    layout = rows.layout
    values = rows.floats(kind.column, kind.bounds)
    sums, scored = layout.sums(values), layout.scored_sizes
    value = total(sums) / blank.n
    used = scored > 0
    squares = total((values - value) ** 2)
    lowest, highest = worst_sums(sums, layout.missing_sizes, kind.bounds)
    planned = ClusterSums(sizes=layout.sizes, lowest=lowest, highest=highest)
    bounds = mean_bounds(planned, kind.bounds, confidence)
    found = bounded(planned, bounds, replace(blank, value=value))
    return replace(found, design_effect=design_effect(scored[used], sums[used], squares))


def _per_prompt(kind: PerPrompt, rows: Rows, confidence: float, blank: Estimate) -> Estimate:
    found = prompt_numbers(kind, rows)
    if not found.defined.any():
        return replace(blank, cause="unscored" if blank.missing else "insufficient_n")
    lowest, highest = worst_sums(found.known, found.lost, kind.bounds)
    sums = ClusterSums(sizes=np.ones(lowest.size), lowest=lowest, highest=highest)
    bounds = mean_bounds(sums, kind.bounds, confidence)
    return bounded(sums, bounds, replace(blank, value=found.mean))


def _quantile(kind: Quantile, rows: Rows, confidence: float, blank: Estimate) -> Estimate:
    values, sizes = rows.floats(kind.column), rows.layout.sizes
    planned = float(sizes.sum())
    effective = planned * planned / float((sizes * sizes).sum())
    found = quantile_bounds(values, kind.q, effective, blank.missing, confidence)
    cause = ""
    if found.low is None or found.high is None:
        cause = "unscored" if blank.missing else "insufficient_n"
    return replace(
        blank, value=float(np.quantile(values, kind.q)), low=found.low, high=found.high,
        design_effect=planned / effective, cause=cause,
    )  # fmt: skip


def _count(kind: Count, rows: Rows, blank: Estimate) -> Estimate:
    value = float(sum(rows.counts(kind.column)))
    if blank.missing:
        return replace(blank, value=value, low=value, cause="unscored")
    return replace(blank, value=value, low=value, high=value)


__all__ = ["METHODS", "SEQUENTIAL_METHODS", "Estimate", "estimate"]
