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

from harness.errors import NonFiniteError, SpecError
from harness.metrics.resampled import (
    SEED,
    hold_share,
    ratio_estimate,
    ratio_weight,
    set_estimate,
)
from harness.metrics.result import Estimate
from harness.metrics.rows import Rows, within
from harness.metrics.stats.bootstrap import DRAWS
from harness.metrics.stats.clustered_proportion import clustered_upper, effective_sizes
from harness.metrics.stats.clusters import Layout, lay_out, total
from harness.metrics.stats.jackknife import GROUPS
from harness.metrics.stats.mean import ClusterSums, design_effect, mean_bounds
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
    Mean: "cr2-t",
    Ratio: f"bca-{DRAWS}/seed-{SEED}",
    Quantile: "order-statistic",
    Count: "census",
    PerPrompt: "cr2-t",
    OfSet: f"jackknife-{GROUPS}",
}
"""The interval of each kind, for signatures."""


def estimate(
    definition: MetricDef,
    columns: Mapping[str, Column],
    clusters: NDArray[np.int64],
    *,
    missing: NDArray[np.int64],
    confidence: float,
) -> Estimate:
    """Compute a metric from its scored rows. The order of rows never matters.

    Args:
        definition: What the metric is. A Ratio or OfSet whose unit is `share`
            lies in [0, 1], and its bounds are held to that.
        columns: Scored rows: arrays [n], or lists of n texts or number lists.
        clusters: int64 [n], the prompt of each scored row, any numbering.
        missing: int64 [m], the prompt of each planned row without a score.
        confidence: Of each bound on its own, in (0.5, 1).

    Raises:
        NonFiniteError: If a score, or what a metric's function returns, is not finite.
        PluginError: If a score is not of the kind its metric declares.
        SpecError: If `confidence` is out of range.

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
    layout = lay_out(clusters, missing)
    n, lost = layout.scored.size, layout.missing.size
    blank = Estimate(n=n, missing=lost, clusters=layout.clusters)
    if n == 0 and lost:
        return replace(blank, cause="unscored")
    if n < max(1, definition.n_min):
        return replace(blank, cause="insufficient_n")
    return _ordered(_of_kind(definition, Rows(columns, layout), confidence, blank))


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
    found = _bounded(sums, layout, kind.bounds, confidence, replace(blank, value=value))
    return replace(found, design_effect=design_effect(scored[used], sums[used], squares))


def _per_prompt(kind: PerPrompt, rows: Rows, confidence: float, blank: Estimate) -> Estimate:
    layout = rows.layout
    values = rows.floats(kind.column)
    order = np.lexsort((values, layout.scored))
    ends = np.cumsum(layout.scored_sizes).astype(np.int64)[:-1]
    answers = [
        kind.function(group) if group.size else None for group in np.split(values[order], ends)
    ]
    defined = np.array([answer is not None for answer in answers])
    if not defined.any():
        return replace(blank, cause="unscored" if blank.missing else "insufficient_n")
    numbers = np.array([0.0 if answer is None else answer for answer in answers])
    if not np.isfinite(numbers).all():
        raise NonFiniteError("a prompt's number is not finite", where=f"column {kind.column}")
    numbers[defined] = within(numbers[defined], kind.bounds, kind.column)
    prompts = np.arange(layout.clusters)
    whole = defined & (layout.missing_sizes == 0)
    known = Layout(prompts[whole], prompts[~whole], layout.clusters)
    start = replace(blank, value=total(numbers[defined]) / int(defined.sum()))
    return _bounded(np.where(whole, numbers, 0.0), known, kind.bounds, confidence, start)


def _bounded(
    sums: NDArray[np.float64],
    layout: Layout,
    bounds: tuple[float | None, float | None],
    confidence: float,
    start: Estimate,
) -> Estimate:
    """Bound a mean of clusters whose missing rows lie anywhere within `bounds`."""
    lost = layout.missing_sizes
    floor, ceiling = bounds
    lowest, highest = sums.copy(), sums.copy()
    lowest[lost > 0] += -np.inf if floor is None else floor * lost[lost > 0]
    highest[lost > 0] += np.inf if ceiling is None else ceiling * lost[lost > 0]
    found = mean_bounds(
        ClusterSums(sizes=layout.sizes, lowest=lowest, highest=highest), bounds, confidence
    )
    cause = ""
    if found.low is None or found.high is None:
        cause = "no_spread" if found.flat else ""
        cause = "insufficient_n" if layout.clusters < 2 else cause
        cause = "unscored" if layout.missing.size else cause
    return replace(start, low=found.low, high=found.high, cause=cause)


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


def _ordered(found: Estimate) -> Estimate:
    """Let rounding never put the value outside its own bounds."""
    if found.value is None:
        return found
    low = None if found.low is None else float(min(found.low, found.value))
    high = None if found.high is None else float(max(found.high, found.value))
    return replace(found, low=low, high=high)


__all__ = ["METHODS", "Estimate", "estimate"]
