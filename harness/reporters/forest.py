"""The geometry of forest plots: each rule's intervals against its limit, in user units."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

from harness.reporters.findings import Row, RuleRows
from harness.reporters.readings import COUNTED, held
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
    """One rule's plot. `allowed` is the x and width of what meets the limit.

    `limits` are the lines to stay on the right side of, two of them where both
    sides count. `zero` is the x of no difference, where no limit lies there.
    """

    rule: str
    requirement: str
    origin: str
    height: float
    bottom: float
    limits: tuple[float, ...]
    limit_text: str
    limit_x: float
    anchor: str
    allowed: tuple[float, float]
    zero: float | None
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


def plots(rule: RuleRows) -> tuple[Plot, ...]:
    """Lay out a rule's intervals, the worst first; nothing where nothing was estimated.

    One plot holds one limit. A rule with a relative margin to both sides has two:
    its findings are differences from two different numbers.
    """
    alike: dict[tuple[str, float, str], list[Row]] = {}
    for row in rule.rows:
        finding = row.finding
        if _numbers(row) and finding.op and finding.kind not in COUNTED:
            alike.setdefault((finding.op, finding.limit, row.origin), []).append(row)
    found = (_plot(rule.requirement, rows) for rows in alike.values())
    return tuple(plot for plot in found if plot)


def _plot(requirement: str, drawn: list[Row]) -> Plot | None:
    kept, finding = drawn[:_MOST_ROWS], drawn[0].finding
    lines = (-finding.limit, finding.limit) if finding.op == "within" else (finding.limit,)
    compared = finding.kind == "compare"
    scale = _scale(kept, (*lines, 0.0) if compared else lines)
    if not math.isfinite(scale.stop - scale.start):
        return None
    limits = tuple(scale.x(line) for line in lines)
    middle = sum(limits) / len(limits)
    bottom = _TOP + _ROW * len(kept)
    return Plot(
        rule=finding.rule,
        requirement=requirement,
        origin=drawn[0].origin,
        height=bottom + _FOOT,
        bottom=bottom,
        limits=limits,
        limit_text=limit(finding).removeprefix("within "),
        limit_x=middle,
        anchor=_anchor(middle),
        allowed=_allowed(finding.op, limits),
        zero=scale.x(0.0) if compared and finding.limit else None,
        ticks=tuple((scale.x(at), number(at)) for at in ticks(scale.start, scale.stop)),
        marks=tuple(_mark(row, scale, i) for i, row in enumerate(kept)),
        left_out=len(drawn) - len(kept),
        summary="; ".join(_spoken(row) for row in kept),
    )


def _anchor(x: float) -> str:
    """Keep the limit's label inside the plot."""
    return "start" if x < _LEFT + 60 else "end" if x > _RIGHT - 60 else "middle"


def _allowed(op: str, limits: tuple[float, ...]) -> tuple[float, float]:
    """The x and the width of what meets the limit."""
    first, last = limits[0], limits[-1]
    if op in ("<=", "<"):
        first = _LEFT
    elif op in (">=", ">"):
        last = _RIGHT
    return first, round(last - first, 2)


def _mark(row: Row, scale: _Scale, index: int) -> Mark:
    finding = row.finding
    low = scale.start if finding.low is None else finding.low
    high = scale.stop if finding.high is None else finding.high
    return Mark(
        label=_clip(row.place),
        outcome=finding.outcome,
        symbol=SYMBOL[finding.outcome],
        text=held(finding, finding.value),
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
    return f"{row.place}: {WORD[finding.outcome]}, {held(finding, finding.value)} {reach}"


def _numbers(row: Row) -> list[float]:
    finding = row.finding
    return [x for x in (finding.low, finding.value, finding.high) if x is not None]


def _scale(rows: list[Row], lines: tuple[float, ...]) -> _Scale:
    """Cover every bound and line, with a little air, and never pass zero for its sake."""
    known = [*lines, *(x for row in rows for x in _numbers(row))]
    low, high = min(known), max(known)
    air = (high - low) * 0.06 or abs(high) * 0.5
    air = air if air > _SMALLEST else 1.0
    return _Scale(max(0.0, low - air) if low >= 0 else low - air, high + air)


def ticks(start: float, stop: float) -> list[float]:
    """Place three to five round numbers on a scale."""
    rough = (stop - start) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= rough)
    first, last = math.ceil(start / step), math.floor(stop / step)
    found = (float(f"{k * step:.12g}") for k in range(first, last + 1))
    return [tick for tick in found if start <= tick <= stop]


def _clip(label: str) -> str:
    """Cut a label to the width of the plot; wide characters count double."""
    used = 0
    for i, char in enumerate(label):
        used += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used > _LABEL_CELLS:
            return label[: max(0, i - 1)] + "…"
    return label
