"""What a person sees while a run works and when it is done: bars, and the verdict table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from harness.reporters.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from harness.records import Finding, RunView, Verdict

_WIDTH = 120
_COLUMNS = (
    ("outcome", "left"), ("requirement", "left"), ("value", "right"),
    ("bounds", "right"), ("scored", "right"),
)  # fmt: skip
_STYLE = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}


class Bars:
    """A progress bar for each stage, on stderr; nothing where `quiet` or not a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Progress | None = None
        self._task: TaskID | None = None
        self._failed = 0

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
            )
            self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bars:
            self._bars.stop()

    def begin(self, stage: str, total: int, done: int) -> None:
        """Start a bar; in a log, a line."""
        self._failed = 0
        if self._bars:
            self._task = self._bars.add_task(stage, total=total, completed=done, note="")
        elif not self._quiet:
            kept = f", {done} already done" if done else ""
            print(f"{stage}: {total} items{kept}", file=sys.stderr, flush=True)

    def advance(self, count: int, failed: int) -> None:
        """Move the bar; say how many items have no result."""
        self._failed += failed
        if self._bars and self._task is not None:
            note = f"{self._failed} without a result" if self._failed else ""
            self._bars.update(self._task, advance=count, note=note)


def show(view: RunView) -> None:
    """Print the verdict table, what is missing, and the verdict in one line."""
    from rich.console import Console

    console = Console(highlight=False)
    width = None if console.is_terminal else _WIDTH
    console = Console(highlight=False, width=width)
    for verdict in view.verdicts:
        console.print(_table(verdict))
        for finding in verdict.findings:
            if finding.outcome != "pass":
                _line(console, f"  {finding.rule} [{finding.slice}]: {_because(finding)}")
    for shortfall in view.shortfalls:
        arm = f"{shortfall.generator}/{shortfall.strategy}"
        _line(
            console,
            f"missing   {arm}, {shortfall.stage}: {shortfall.count} x {shortfall.reason}",
        )
    outcome = view.outcome or "not judged"
    console.print(f"\nverdict   {outcome.upper()}", style=_STYLE.get(outcome, ""), markup=False)


def _line(console: Console, text: str) -> None:
    console.print(visible(text), markup=False, soft_wrap=True)


def _table(verdict: Verdict) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    title = escape(
        visible(f"{verdict.generator} / {verdict.strategy}: {verdict.outcome.upper()}")
    )
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, title_style="bold")
    for name, justify in _COLUMNS:
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=True)
    for finding in verdict.findings:
        cells = [escape(visible(cell)) for cell in _row(finding)]
        table.add_row(*cells, style=_STYLE.get(finding.outcome, ""))
    return table


def _row(finding: Finding) -> tuple[str, ...]:
    metric = finding.metric if finding.slice == "all" else f"{finding.metric} [{finding.slice}]"
    return (
        finding.outcome + ("" if finding.severity == "block" else f" ({finding.severity})"),
        f"{metric} {finding.op} {finding.limit:.4g}",
        _number(finding.value),
        f"{_number(finding.low)} .. {_number(finding.high)}",
        f"{finding.n}" + (f" + {finding.missing} missing" if finding.missing else ""),
    )


def _because(finding: Finding) -> str:
    if finding.needed:
        return (
            f"{finding.clusters} prompts are too few; about {finding.needed} would decide "
            f"at the value seen ({finding.message})"
        )
    return finding.message


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
