"""Commands about the runs that are stored: what there is, what one holds, and what may go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import AsJson, print_json, say

if TYPE_CHECKING:
    from harness.flow.shelf import Entry
    from harness.flow.sweep import Item

app = typer.Typer(
    help="The runs that are stored: list them, look into one, delete what is of no use.",
    no_args_is_help=True,
)
_COLUMNS = ("run", "when", "suite", "policy", "verdict", "cases", "failed", "size")


def _runs(incomplete: str) -> list[str]:
    """Complete the folder of a run."""
    from harness.flow.shelf import is_run

    place = Path("runs")
    found = sorted(path for path in place.iterdir() if is_run(path)) if place.is_dir() else []
    return [str(path) for path in found if str(path).startswith(incomplete)]


Runs = Annotated[Path, typer.Argument(help="The folder that runs lie in.")]
Run = Annotated[Path, typer.Argument(help="A run's folder.", autocompletion=_runs)]


@app.command("list")
def list_command(folder: Runs = Path("runs"), as_json: AsJson = False) -> None:
    """List the runs in a folder, the newest first."""
    from harness.flow.shelf import shelf

    found = shelf(folder)
    if as_json:
        print_json([_plain(one) for one in found])
        return
    rows = [_COLUMNS, *(_row(one) for one in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    for row in rows:
        cells = zip(row, widths, strict=True)
        print("  ".join(text.ljust(width) for text, width in cells).rstrip())
    for one in found:
        if one.reason:
            say(_safe(f"{one.name} is {one.state}: {one.reason}"))


@app.command()
def show(run: Run, as_json: AsJson = False) -> None:
    """Say what a run holds, check every file against its seal, and say how to go on."""
    from harness.flow.sheet import sheet

    found = sheet(run)
    if as_json:
        print_json(found)
        return
    for line in _lines(found):
        print(_safe(line))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    """A run's sheet, a fact a line."""
    for name in ("run", "state", "reason", "when", "suite", "policy", "seal", "plan"):
        if found[name]:
            yield f"{name:9} {found[name]}"
    for arm in found["arms"]:
        verdict = (arm["verdict"] or "no verdict").upper()
        yield f"arm       {arm['arm']}: {verdict}, {arm['ok']} ok of {arm['cases']}"
        for gap in arm["missing"]:
            yield f"          {gap['stage']}: {gap['count']} x {gap['reason']}"
    yield f"scorers   {', '.join(found['scorers'])}"
    for table, size in found["bytes"].items():
        yield f"size      {_size(size):>8}  {table}"
    for line in found["next"]:
        yield f"next      {line}"


@app.command()
def gc(
    folder: Runs = Path("runs"),
    older_than: Annotated[
        str | None, typer.Option(help="Whole runs last written longer ago: 12h, 30d, 8w.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Whole runs beyond so many of the newest.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; else it is only said.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what may be deleted, and delete it with --yes.

    Half-written files, and of runs without a seal what nothing names. Whole runs only by
    --older-than or --keep, and none that is in use, recorded, altered, or compared with.
    """
    from harness.flow.sweep import age, delete, useless

    found = useless(folder, datetime.now(UTC), age(older_than) if older_than else None, keep)
    if yes:
        found = delete(folder, found)
    if as_json:
        print_json(
            {
                "deleted": yes,
                "bytes": found.size_bytes,
                "going": [_told(item) for item in found.going],
                "staying": [_told(item) for item in found.staying],
            }
        )
        return
    for item in found.going:
        print(_safe(f"{_size(item.size_bytes):>8}  {item.path}: {item.why}"))
    for item in found.staying:
        say(_safe(f"stays     {item.path}: {item.why}"))
    print(
        f"{_size(found.size_bytes):>8}  {'deleted' if yes else 'would be deleted, with --yes'}"
    )


def _row(one: Entry) -> tuple[str, ...]:
    return tuple(
        _safe(text)
        for text in (
            one.name, f"{one.when:%Y-%m-%d %H:%M}", one.suite or "-", one.policy or "-",
            one.told, str(one.cases), str(one.failures), _size(one.size_bytes),
        )
    )  # fmt: skip


def _plain(one: Entry) -> dict[str, Any]:
    return {
        "run": one.name, "folder": str(one.folder), "when": one.when.isoformat(),
        "suite": one.suite, "policy": one.policy, "state": one.state, "said": one.told,
        "cases": one.cases, "answered": one.answered, "failures": one.failures,
        "bytes": one.size_bytes, "seal": one.seal, "reason": one.reason,
    }  # fmt: skip


def _told(item: Item) -> dict[str, Any]:
    return {"path": str(item.path), "why": item.why, "bytes": item.size_bytes}


def _size(count: int) -> str:
    """Bytes in the largest unit that leaves a number of one digit or more."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _safe(text: str) -> str:
    from harness.reporters.visible import visible

    return visible(text)
