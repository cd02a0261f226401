"""The geometry of forest plots: each rule's intervals against its limit, in user units."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

from harness.reporters.decision import Row, RuleRows
from harness.reporters.wording import SYMBOL, WORD, interval, limit, number

WIDTH = 360
_LEFT, _RIGHT = 12.0, 348.0
_TOP, _ROW, _FOOT = 20.0, 46.0, 24.0
_MOST_ROWS = 16
_LABEL_CELLS = 38
_SMALLEST = 1e-300


@dataclass(frozen=True, slots=True)
class Mark:
    """One interval: a line from `low` to `high`, arrows where unbounded, a dot at the value."""

    label: str
    outcome: str
    symbol: str
    text: str
    y: float
    low: float | None
    high: float | None
    value: float | None
    open_low: bool
    open_high: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """One rule's plot. `allowed` is the x and width of the side that meets the limit."""

    rule: str
    requirement: str
    height: float
    bottom: float
    limit: float
    limit_text: str
    anchor: str
    allowed: tuple[float, float]
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    left_out: int
    summary: str


@dataclass(frozen=True, slots=True)
class _Scale:
    start: float
    stop: float

    def x(self, value: float) -> float:
        share = (value - self.start) / (self.stop - self.start)
        return round(_LEFT + share * (_RIGHT - _LEFT), 2)


def plot(rule: RuleRows) -> Plot | None:
    """Lay out one rule's intervals, worst first; None where there is nothing to draw."""
    drawn = [row for row in rule.rows if _numbers(row)]
    if not drawn:
        return None
    kept, finding = drawn[:_MOST_ROWS], rule.worst.finding
    scale = _scale(kept, finding.limit)
    if not math.isfinite(scale.stop - scale.start):
        return None
    at = scale.x(finding.limit)
    bottom = _TOP + _ROW * len(kept)
    allowed = {"<=": (_LEFT, at - _LEFT), ">=": (at, _RIGHT - at)}.get(finding.op, (at, 0.0))
    return Plot(
        rule=finding.rule,
        requirement=f"{finding.metric} {limit(finding)}",
        height=bottom + _FOOT,
        bottom=bottom,
        limit=at,
        limit_text=limit(finding),
        anchor="start" if at < _LEFT + 60 else "end" if at > _RIGHT - 60 else "middle",
        allowed=(allowed[0], round(allowed[1], 2)),
        ticks=tuple((scale.x(tick), number(tick)) for tick in _ticks(scale)),
        marks=tuple(_mark(row, scale, i) for i, row in enumerate(kept)),
        left_out=len(drawn) - len(kept),
        summary="; ".join(_spoken(row) for row in kept),
    )


def _mark(row: Row, scale: _Scale, index: int) -> Mark:
    finding = row.finding
    low = scale.start if finding.low is None else finding.low
    high = scale.stop if finding.high is None else finding.high
    return Mark(
        label=_clip(row.place),
        outcome=finding.outcome,
        symbol=SYMBOL[finding.outcome],
        text=number(finding.value),
        y=_TOP + _ROW * index + 32,
        low=scale.x(low),
        high=scale.x(high),
        value=None if finding.value is None else scale.x(finding.value),
        open_low=finding.low is None,
        open_high=finding.high is None,
    )


def _spoken(row: Row) -> str:
    finding = row.finding
    reach = interval(finding.low, finding.high)
    return f"{row.place}: {WORD[finding.outcome]}, {number(finding.value)} {reach}"


def _numbers(row: Row) -> list[float]:
    finding = row.finding
    return [x for x in (finding.low, finding.value, finding.high) if x is not None]


def _scale(rows: list[Row], at: float) -> _Scale:
    """Cover every bound and the limit, with a little air, and never pass zero for its sake."""
    known = [at, *(x for row in rows for x in _numbers(row))]
    low, high = min(known), max(known)
    air = (high - low) * 0.06 or abs(high) * 0.5
    air = air if air > _SMALLEST else 1.0
    return _Scale(max(0.0, low - air) if low >= 0 else low - air, high + air)


def _ticks(scale: _Scale) -> list[float]:
    """Place three to five round numbers on the scale."""
    rough = (scale.stop - scale.start) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= rough)
    first, last = math.ceil(scale.start / step), math.floor(scale.stop / step)
    ticks = (float(f"{k * step:.12g}") for k in range(first, last + 1))
    return [tick for tick in ticks if scale.start <= tick <= scale.stop]


def _clip(label: str) -> str:
    """Cut a label to the width of the plot; wide characters count double."""
    used = 0
    for i, char in enumerate(label):
        used += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used > _LABEL_CELLS:
            return label[: max(0, i - 1)] + "…"
    return label
