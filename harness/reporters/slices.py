"""Where a metric differs between slices: tables shaded from best to worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Metric, RunView
from harness.reporters.findings import arm_names
from harness.reporters.strategies import concern, headline, ruled, surest
from harness.reporters.wording import everything, interval, number

_SHADES = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One slice of one arm. `shade` runs from 0, the best of its metric, to 4, the worst."""

    value: str
    detail: str
    shade: int | None


@dataclass(frozen=True, slots=True)
class Heat:
    """One metric over the values of one tag: a row per arm, a column per slice."""

    metric: str
    better: str
    tag: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def heats(run: RunView) -> tuple[Heat, ...]:
    """Lay out, by slice, the metrics that rules speak of and the first of each concern."""
    sliced = [metric for metric in surest(run.metrics) if not everything(metric.slice)]
    names = arm_names((m.generator, m.strategy) for m in sliced)
    tags = sorted({metric.slice.partition("=")[0] for metric in sliced})
    found = []
    for tag in tags:
        for name in _shown(run):
            here = [m for m in sliced if m.name == name and m.slice.partition("=")[0] == tag]
            if here:
                found.append(_heat(tag, here, names))
    return tuple(found)


def _shown(run: RunView) -> list[str]:
    """Keep few: speed hardly depends on a slice, and a tenth table is not read."""
    first: dict[str, str] = {}
    for name in headline(run):
        first.setdefault(concern(name), name)
    first.pop("Speed", None)
    return [name for name in headline(run) if name in ruled(run) or name in first.values()]


def _heat(tag: str, metrics: Sequence[Metric], names: dict[tuple[str, str], str]) -> Heat:
    labels = sorted({metric.slice for metric in metrics})
    by_place = {(m.generator, m.strategy, m.slice): m for m in metrics}
    known = [metric.value for metric in metrics if metric.value is not None]
    reach = (min(known), max(known)) if known else (0.0, 0.0)
    rows = []
    for arm, shown in names.items():
        row = [by_place.get((*arm, label)) for label in labels]
        if any(row):
            rows.append((shown, tuple(_cell(m, reach) if m else None for m in row)))
    return Heat(
        metric=metrics[0].name,
        better=metrics[0].better,
        tag=tag,
        columns=tuple(label.partition("=")[2] or label for label in labels),
        rows=tuple(rows),
    )


def _cell(metric: Metric, reach: tuple[float, float]) -> Cell:
    measured = metric.value is not None
    return Cell(
        value=number(metric.value),
        detail=interval(metric.low, metric.high) if measured else metric.cause,
        shade=_shade(metric, reach),
    )


def _shade(metric: Metric, reach: tuple[float, float]) -> int | None:
    low, high = reach
    if metric.value is None or metric.better not in ("lower", "higher") or low == high:
        return None
    share = (metric.value - low) / (high - low)
    return round(_SHADES * (share if metric.better == "lower" else 1 - share))
