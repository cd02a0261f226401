"""A comparison in the terminal: the arms by concern, then differences from one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.comparison import Axis, Comparison, Contender, Contest, Point
from harness.reporters.visible import visible
from harness.reporters.wording import number

if TYPE_CHECKING:
    from rich.table import Table

_WIDTH = 120
MARKS = {"better": "▲", "worse": "▼", "not shown": " ", "not comparable": "-"}
_STYLES = {"better": "green", "worse": "red"}


def show(comparison: Comparison) -> None:
    """Print both tables, what their marks mean, and the recommendation."""
    from rich.console import Console

    console = Console(highlight=False)
    width = None if console.is_terminal else _WIDTH
    console = Console(highlight=False, width=width)
    console.print(_values(comparison))
    console.print(_differences(comparison))
    for line in _legend(comparison):
        console.print(visible(line), markup=False, soft_wrap=True)


def _values(comparison: Comparison) -> Table:
    table = _table(
        "Each arm, with its own 95 % interval; * none comparable is as good throughout"
    )
    table.add_column("arm", no_wrap=True)
    table.add_column("verdict")
    for axis in comparison.axes:
        table.add_column(_heading(axis), justify="right")
    for arm in comparison.contenders:
        points = [_point(arm.points[axis.metric]) for axis in comparison.axes]
        table.add_row(_safe(_name(arm)), (arm.outcome or "-").upper(), *map(_safe, points))
    return table


def _differences(comparison: Comparison) -> Table:
    ref = comparison.reference
    table = _table(f"Difference from {ref}, prompt by prompt; ▲ better, ▼ worse, as shown")
    table.add_column("arm", no_wrap=True)
    for axis in comparison.axes:
        table.add_column(axis.concern, justify="right")
    found = {(c.arm, c.metric): c for c in comparison.contests if c.against == ref}
    for arm in comparison.contenders:
        if arm.name != ref:
            cells = [found[arm.name, axis.metric] for axis in comparison.axes]
            table.add_row(_safe(arm.name), *map(_difference, cells))
    return table


def _legend(comparison: Comparison) -> Iterator[str]:
    name = {"holm": "Holm", "bh": "Benjamini and Hochberg"}[comparison.correction]
    tested = sum(contest.p is not None for contest in comparison.contests)
    yield f"{tested} paired tests, corrected together after {name} at {comparison.alpha:.0%}."
    for arm in comparison.contenders:
        if arm.dominated_by:
            yield f"{arm.name}: {', '.join(arm.dominated_by)} did as well or better throughout."
    for notice in comparison.notices:
        yield f"note      {notice}"
    yield f"\nchoice    {comparison.because}"


def _table(title: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    return Table(
        title=escape(visible(title)), title_justify="left", box=SIMPLE_HEAD, title_style="bold"
    )


def _heading(axis: Axis) -> str:
    arrow = "↓" if axis.better == "lower" else "↑"
    scorer, _, name = axis.metric.partition(".")
    return f"{axis.concern} {arrow}\n{scorer}.\n{name}"


def _name(arm: Contender) -> str:
    return f"{arm.name} *" if arm.front else arm.name


def _point(point: Point) -> str:
    if point.value is None:
        return point.cause or "-"
    return f"{number(point.value, 3)}\n{_span(point.low, point.high)}"


def _difference(contest: Contest) -> str:
    from rich.markup import escape

    if contest.value is None:
        return escape(visible(contest.cause))
    mark, style = MARKS[contest.standing], _STYLES.get(contest.standing)
    value = f"{contest.value:+.3g} {mark}"
    head = f"[{style}]{value}[/]" if style else value
    return f"{head}\n{escape(_span(contest.low, contest.high))}"


def _span(low: float | None, high: float | None) -> str:
    left, right = ("?" if bound is None else f"{bound:.3g}" for bound in (low, high))
    return f"{left} .. {right}"


def _safe(text: str) -> str:
    from rich.markup import escape

    return escape(visible(text))
