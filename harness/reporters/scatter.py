"""The geometry of a scatter plot: arms on two concerns, with their intervals and the front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.comparison import Axis, Comparison, Contender
from harness.reporters.forest import ticks
from harness.reporters.wording import number

WIDTH, HEIGHT = 460, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 446.0, 14.0, 292.0
_AIR, _NEAR = 0.08, 15.0


@dataclass(frozen=True, slots=True)
class Dot:
    """One arm: a numbered dot, a cross of its two intervals, and where its number stands."""

    number: int
    name: str
    x: float
    y: float
    across: tuple[float, float]
    along: tuple[float, float]
    label: tuple[float, float]
    front: bool


@dataclass(frozen=True, slots=True)
class Scatter:
    """One picture. The front is the best of these two concerns alone, as a line of points."""

    x: Axis
    y: Axis
    dots: tuple[Dot, ...]
    front: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    summary: str


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        place = self.start + share * (self.stop - self.start)
        low, high = sorted((self.start, self.stop))
        return round(min(max(place, low), high), 2)


def plot(comparison: Comparison, x: Axis, y: Axis) -> Scatter | None:
    """Lay two concerns out, the better corner at the top right; None without two arms."""
    known = [
        (place, arm)
        for place, arm in enumerate(comparison.contenders, start=1)
        if arm.points[x.metric].value is not None and arm.points[y.metric].value is not None
    ]
    if len(known) < 2:
        return None
    arms = [arm for _, arm in known]
    across, along = _scale(arms, x, (_LEFT, _RIGHT)), _scale(arms, y, (_BOTTOM, _TOP))
    if across is None or along is None:
        return None
    best = _front(arms, x, y)
    dots = _labelled([_dot(place, arm, (x, across), (y, along), best) for place, arm in known])
    line = sorted((dot.x, dot.y) for dot in dots if dot.front)
    return Scatter(
        x=x,
        y=y,
        dots=tuple(dots),
        front=" ".join(f"{a},{b}" for a, b in line),
        x_ticks=tuple((across.at(t), number(t)) for t in _marks(across)),
        y_ticks=tuple((along.at(t), number(t)) for t in _marks(along)),
        summary="; ".join(
            f"{arm.name}: {x.concern} {number(arm.points[x.metric].value)}, "
            f"{y.concern} {number(arm.points[y.metric].value)}"
            for arm in arms
        ),
    )


def _marks(scale: _Scale) -> list[float]:
    low, high = sorted((scale.low, scale.high))
    return ticks(low, high)


def _scale(arms: Sequence[Contender], axis: Axis, ends: tuple[float, float]) -> _Scale | None:
    """Cover all values and most of each interval; less is better runs the other way."""
    values = [v for arm in arms if (v := arm.points[axis.metric].value) is not None]
    reach = [
        bound
        for arm in arms
        for bound in (arm.points[axis.metric].low, arm.points[axis.metric].high)
        if bound is not None
    ]
    middle = max(values) - min(values) or abs(values[0]) or 1.0
    low = max(min([*values, *reach]), min(values) - middle)
    high = min(max([*values, *reach]), max(values) + middle)
    air = (high - low) * _AIR or abs(high) * _AIR or 1.0
    low, high = low - air, high + air
    if not math.isfinite(high - low) or high <= low:
        return None
    return _Scale(high, low, *ends) if axis.better == "lower" else _Scale(low, high, *ends)


def _front(arms: Sequence[Contender], x: Axis, y: Axis) -> set[str]:
    def turned(arm: Contender) -> tuple[float, float]:
        pair = (arm.points[x.metric].value or 0.0, arm.points[y.metric].value or 0.0)
        signs = (1.0 if axis.better == "lower" else -1.0 for axis in (x, y))
        first, second = (v * s for v, s in zip(pair, signs, strict=True))
        return first, second

    every = {arm.name: turned(arm) for arm in arms}
    return {
        name
        for name, (a, b) in every.items()
        if not any(c <= a and d <= b and (c, d) != (a, b) for c, d in every.values())
    }


def _dot(
    place: int,
    arm: Contender,
    x: tuple[Axis, _Scale],
    y: tuple[Axis, _Scale],
    best: set[str],
) -> Dot:
    at = {}
    for axis, scale in (x, y):
        point = arm.points[axis.metric]
        value = point.value or 0.0
        low = scale.low if point.low is None else point.low
        high = scale.high if point.high is None else point.high
        at[axis.metric] = (scale.at(value), scale.at(low), scale.at(high))
    (cx, left, right), (cy, bottom, top) = at[x[0].metric], at[y[0].metric]
    return Dot(
        number=place, name=arm.name, x=cx, y=cy, across=(left, right), along=(bottom, top),
        label=(cx, cy), front=arm.name in best,
    )  # fmt: skip


def _labelled(dots: Sequence[Dot]) -> list[Dot]:
    """Put each number where it hides no dot and no other number, as far as there is room."""
    taken = [(dot.x, dot.y) for dot in dots]
    placed = []
    for dot in dots:
        options = [
            (dot.x + radius * math.cos(turn), dot.y + radius * math.sin(turn))
            for radius in (12.0, 18.0, 26.0)
            for turn in (-0.8, -2.3, 0.8, 2.3, -1.57, 1.57, 0.0, 3.14)
        ]
        inside = [
            (a, b)
            for a, b in options
            if _LEFT + 6 < a < _RIGHT - 4 and _TOP + 6 < b < _BOTTOM - 4
        ]
        room = [(min(_apart(spot, other, dot) for other in taken), spot) for spot in inside]
        free = [spot for space, spot in room if space >= _NEAR]
        spot = free[0] if free else max(room)[1] if room else (dot.x, dot.y)
        taken.append(spot)
        placed.append(replace(dot, label=(round(spot[0], 2), round(spot[1], 2))))
    return placed


def _apart(spot: tuple[float, float], other: tuple[float, float], dot: Dot) -> float:
    if other == (dot.x, dot.y):
        return math.inf
    return math.hypot(spot[0] - other[0], spot[1] - other[1])
