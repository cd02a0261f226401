"""A stored metric worked out again as if some of its outputs had come out otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.flow.aggregate import COVERAGE, definitions, measured, metric_of
from harness.flow.rows import ArmKey, arm_rows
from harness.flow.scored import Part, Scores
from harness.flow.stored import StoredRun
from harness.protocols import Bound, MetricDef, Proportion
from harness.records import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Change:
    """What would be otherwise: `events` more outputs are events (fewer, below 0).

    `filled` missing scores are there after all, and are events or not by `as_event`.
    """

    events: int = 0
    filled: int = 0
    as_event: bool = False


Changed = Callable[[Metric, Change, float], Metric]
"""A metric on a rate after a change, at a confidence."""


class StoredChanges:
    """Changes what a stored run scored, in memory only, and measures it again.

    Events come and go in the prompts that have the most of them first: there
    they weigh most, where several outputs of one prompt hang together.
    """

    def __init__(self, run: StoredRun) -> None:
        self._run = run
        self._parts: dict[tuple[str, str, str, str], Part] = {}

    def __call__(self, metric: Metric, change: Change, confidence: float) -> Metric:
        """Work a rate out again."""
        scorer_name, _, name = metric.name.partition(".")
        scorer = next(s for s in self._run.scorers if s.name == scorer_name)
        definition = definitions(scorer)[name]
        key = next(
            arm for arm in self._run.arms
            if (arm.generator, arm.strategy) == (metric.generator, metric.strategy)
        )  # fmt: skip
        part = changed(self._part(metric, key, scorer), definition, change)
        found = measured(part, definition, confidence, self._run.setting)
        about = (key, metric.slice, scorer, name)
        return metric_of(about, definition, found, confidence, self._run.setting)

    def _part(self, metric: Metric, key: ArmKey, scorer: Bound) -> Part:
        place = (metric.generator, metric.strategy, scorer.name, metric.slice)
        if place not in self._parts:
            by = self._run.setting.cluster_by
            arm = arm_rows(self._run.store, key, cluster_by=by)
            parts = Scores(self._run.store, scorer).parts(arm, (metric.slice,))
            self._parts[place] = dict(parts)[metric.slice]
        return self._parts[place]


def changed(part: Part, definition: MetricDef, change: Change) -> Part:
    """Give the rows of a rate as they would be after a change."""
    import numpy as np

    if definition is COVERAGE:
        return replace(part, scored=_flipped(part.scored, part.planned, change.events))
    if not isinstance(definition.kind, Proportion):
        return part
    column = definition.kind.column
    events = _flipped(part.columns[column], part.clusters, change.events)
    filled = part.missing[: change.filled]
    added = np.full(filled.size, change.as_event)
    return replace(
        part,
        columns={column: np.concatenate((events, added))},
        clusters=np.concatenate((part.clusters, filled)),
        missing=part.missing[change.filled :],
    )


def _flipped(
    events: NDArray[np.bool_], clusters: NDArray[np.int64], more: int
) -> NDArray[np.bool_]:
    """Turn so many rows into events, or out of them, where there are the most first."""
    import numpy as np

    events = np.asarray(events, dtype=np.bool_).copy()
    weight = np.bincount(clusters, weights=events.astype(np.float64))[clusters]
    open_ = np.flatnonzero(~events if more > 0 else events)
    order = open_[np.lexsort((clusters[open_], np.negative(weight[open_])))]
    events[order[: abs(more)]] = more > 0
    return events
