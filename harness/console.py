"""What a person sees while a run works and when it is done: bars, and the verdict table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from harness.reporters.decision import sentence
from harness.reporters.excuses import used
from harness.reporters.findings import exempt, rules, waived
from harness.reporters.pace import paces
from harness.reporters.readings import COUNTED, counts, parted
from harness.reporters.terms import Terms, terms
from harness.reporters.visible import visible
from harness.reporters.wording import everything, requirement

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from harness.records import Finding, RunView, Verdict

_WIDTH, _ENDLESS = 120, 10_000
_RIGHT = ("value", "bounds", "scored")
_LAYOUTS: tuple[tuple[str, ...], ...] = (
    ("outcome", "rule", "requirement", "value", "bounds", "scored"),
    ("outcome", "rule and requirement", "value", "bounds", "scored"),
    ("outcome", "rule and requirement", "value", "bounds"),
    ("outcome", "rule and requirement", "value"),
)
"""The columns of the verdict table, from the widest: the first that fits is taken."""
_STYLE = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "waived": "magenta"}


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
            self._task = self._bars.add_task(
                stage, total=total or None, completed=done, note=""
            )
        elif not self._quiet:
            kept = f", {done} already done" if done else ""
            size = f": {total} items{kept}" if total else ""
            print(f"{stage}{size}", file=sys.stderr, flush=True)

    def advance(self, count: int, failed: int) -> None:
        """Move the bar; say how many items have no result."""
        self._failed += failed
        if self._bars and self._task is not None:
            note = f"{self._failed} without a result" if self._failed else ""
            self._bars.update(self._task, advance=count, note=note)


def show(view: RunView) -> None:
    """Print the verdict table, what is missing, and the verdict in one line."""
    from rich.console import Console

    from harness.flow.report import masked

    view = masked(view)
    console = Console(highlight=False)
    width = None if console.is_terminal else _WIDTH
    console = Console(highlight=False, width=width)
    for verdict, table in zip(view.verdicts, _tables(view, console), strict=True):
        console.print(table)
        for line in _told(verdict):
            _line(console, line)
    for line in (*_missing(view), *_beside(view)):
        _line(console, line)
    for notice in view.notices:
        _line(console, f"warning   {notice}", style="yellow")
    outcome = view.outcome or "not judged"
    console.print(f"\nverdict   {outcome.upper()}", style=_STYLE.get(outcome, ""), markup=False)
    if view.outcome == "pass" and waived(view):
        _line(console, f"          {sentence(view)}")


def _told(verdict: Verdict) -> Iterator[str]:
    """Why each finding is no pass, and where its two readings part."""
    for finding in verdict.findings:
        place = f"  {finding.rule} [{finding.slice}]"
        if finding.outcome not in ("pass", "not_applicable"):
            yield f"{place}: {_because(finding)}"
        elif parted(finding):
            yield f"{place}: {parted(finding)}"


def _missing(view: RunView) -> Iterator[str]:
    for one in exempt(rules(view)):
        yield f"no rule   {one.rule} does not apply in {', '.join(one.places)}: {one.reason}"
    for gap in view.shortfalls:
        arm = f"{gap.generator}/{gap.strategy}"
        yield f"missing   {arm}, {gap.stage}: {gap.count} x {gap.reason}"


def _beside(view: RunView) -> Iterator[str]:
    """What a reader of the verdict must know beside it."""
    for pace in paces(view):
        yield f"asked     {pace.arm}: {pace.words}"
    failed = [attempt for attempt in view.attempts if attempt.outcome == "fail"]
    if failed:
        tried = ", ".join(f"{one.run_id} (seed {one.seed})" for one in failed)
        yield (
            f"before    {len(failed)} of {len(view.attempts)} earlier attempts of the same "
            f"model under this policy and suite failed: {tried}"
        )
    for excuse in view.excuses:
        place = "" if everything(excuse.slice) else f" [{excuse.slice}]"
        until = f"until {excuse.expires}, approved by {excuse.approved_by} ({excuse.ticket})"
        yield f"waiver    {excuse.id} for {excuse.rule}{place}: {used(excuse)}, {until}"


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(visible(text), style=style, markup=False, soft_wrap=True)


def _tables(view: RunView, console: Console) -> list[Table]:
    """Lay the table of each verdict out, all alike and none wider than the console."""
    from rich.measure import Measurement

    known = terms(view.policy)
    tables: list[Table] = []
    endless = console.options.update(max_width=_ENDLESS)
    for columns in _LAYOUTS:
        tables = [_table(verdict, known, columns) for verdict in view.verdicts]
        wide = (Measurement.get(console, endless, one).maximum for one in tables)
        if all(width <= console.width for width in wide):
            break
    return tables


def _table(verdict: Verdict, known: Mapping[str, Terms], columns: Sequence[str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    title = escape(
        visible(f"{verdict.generator} / {verdict.strategy}: {verdict.outcome.upper()}")
    )
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in _RIGHT else "left",
            no_wrap=name in (*_RIGHT, "outcome"),
            overflow="fold",
        )
    for finding in verdict.findings:
        if finding.outcome == "not_applicable":
            continue
        row = _row(finding, known.get(finding.rule, Terms()).origin(finding))
        cells = [escape(row[name]) for name in columns]
        table.add_row(*cells, style=_STYLE.get(finding.outcome, ""))
    return table


def _row(finding: Finding, origin: str) -> dict[str, str]:
    """What each column says of a finding."""
    severity = "" if finding.severity == "block" else f" ({finding.severity})"
    known = finding.value is not None
    rule = visible(finding.rule)
    asked = visible(f"{_asked(finding)}; {origin}" if origin else _asked(finding))
    planned = f" of {finding.n + finding.missing}" if finding.missing else ""
    return {
        "outcome": finding.outcome + severity,
        "rule": rule,
        "requirement": asked,
        "rule and requirement": f"{rule}\n  {asked}",
        "value": _number(finding.value),
        "bounds": f"{_number(finding.low)} .. {_number(finding.high)}"
        if known and finding.kind not in COUNTED
        else "-",
        "scored": f"{finding.n}{planned}" if counts(finding) else "-",
    }


def _asked(finding: Finding) -> str:
    place = "" if everything(finding.slice) else f" [{finding.slice}]"
    if finding.asked or finding.kind != "require":
        return f"{requirement(finding)}{place}"
    return f"{finding.metric}{place} {finding.op} {finding.limit:.4g}"


def _because(finding: Finding) -> str:
    if finding.needed:
        return (
            f"{finding.clusters} prompts are too few; about {finding.needed} would decide "
            f"at the value seen ({finding.message})"
        )
    return "; ".join(filter(None, (finding.message or finding.cause, parted(finding))))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
