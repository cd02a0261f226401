"""The arguments that several commands share, and how results are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.records import RunView

CODES = (
    "Exit codes: 0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 evidence, 4 conflict, 5 waiver, 64 usage, "
    "70 a bug, 130 stopped."
)
"""The end of the help of each command that ends with a verdict's exit code."""
EXIT = {"pass": 0, "fail": 1, "inconclusive": 2, None: 0}

Suite = Annotated[str, typer.Argument(help="A suite file, or the name of a shipped suite.")]
Policy = Annotated[
    str | None,
    typer.Option("--policy", "-p", help="A policy file, or a shipped policy's name."),
]
Out = Annotated[
    str | None,
    typer.Option("--out", "-o", help="The run's folder or s3:// URL [runs/<suite>-<digest>]."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")
]
Waivers = Annotated[
    Path | None, typer.Option("--waivers", help="A file of waivers, each for one rule.")
]
Against = Annotated[
    str | None,
    typer.Option(
        "--champion", help="The run to compare with, or `none` [what the model's alias serves]."
    ),
]
Sequential = Annotated[
    bool, typer.Option("--sequential", help="Go in rounds; stop once every rule is decided.")
]
Budget = Annotated[
    int | None, typer.Option("--budget", min=1, help="With --sequential: the most prompts.")
]
Folder = Annotated[str, typer.Argument(help="A run's folder, or its s3:// URL.")]
Model = Annotated[str, typer.Option("--model", help="Registered model to promote.")]
Alias = Annotated[str, typer.Option("--alias", help="Alias that moves on PASS.")]


Changed = Annotated[
    list[str] | None,
    typer.Option("--changed", help="`policy` or `suite`: it may be another than last time's."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; the ledger keeps it.")]


def rules_(changed: list[str] | None) -> frozenset[Any]:
    """Read which rules may be others than those of the last promotion.

    Raises:
        BadParameter: One is neither `policy` nor `suite`.
    """
    found = frozenset(changed or ())
    if unknown := found - {"policy", "suite"}:
        raise typer.BadParameter(f"--changed {min(unknown)}: say `policy` or `suite`")
    return found


def suite_(name: str) -> Path:
    """Find a suite by path or shipped name."""
    from harness.spec.library import resolve

    return resolve("suites", name)


def policy_(name: str) -> Path:
    """Find a policy by path or shipped name."""
    from harness.spec.library import resolve

    return resolve("policies", name)


def work(place: str) -> AbstractContextManager[Path]:
    """Give the folder to make or change a run in, of a folder or a URL."""
    from harness.engine.remote import working

    return working(place, tell=lambda line: say(f"note: {line}"))


def work_if(place: str | None) -> AbstractContextManager[Path | None]:
    """Do as `work` does, where a place is named."""
    return nullcontext() if place is None else work(place)


def read(place: str) -> AbstractContextManager[Path]:
    """Give the folder to read a run in, of a folder or a URL."""
    from harness.engine.remote import reading

    return reading(place)


@contextmanager
def served(said: str | None) -> Iterator[str | None]:
    """Give the champion that was named, fetched where it is a URL."""
    from harness.engine.objects import is_url

    if said is None or not is_url(said):
        yield said
        return
    with read(said) as copy:
        yield str(copy)


def summary(view: RunView, folder: Path, place: str | None = None) -> dict[str, Any]:
    """Say which run this is, what it came to, and where it is kept if that is a URL."""
    from harness.engine.objects import is_url

    kept = {"url": place} if is_url(place) else {}
    return {"run": view.run_id, "outcome": view.outcome, "folder": str(folder)} | kept


def finish(view: RunView, summed: dict[str, Any], *, as_json: bool) -> None:
    """Print what a run came to, and leave with its verdict's exit code."""
    tell(view, summed, as_json=as_json)
    raise typer.Exit(EXIT[view.outcome])


def tell(view: RunView, summed: dict[str, Any], *, as_json: bool) -> None:
    """Print what a run came to."""
    from harness.console import show

    folder = Path(summed["folder"])
    if as_json:
        print_json(summed | json.loads((folder / "decision.json").read_bytes()))
    else:
        show(view)
        print(f"report    {folder / 'report.html'}")
        if "url" in summed:
            print(f"kept at   {summed['url']}")
        emit({k: v for k, v in summed.items() if isinstance(v, dict)}, as_json=False)


def emit(groups: dict[str, Any], *, as_json: bool) -> None:
    """Print what was done, a line or two for each part."""
    if as_json:
        print_json(groups)
        return
    for name, values in groups.items():
        print(f"{name:9} {values['said']}")
        for line in values.get("next", []):
            print(f"{'':9} {line}")


def print_json(value: Any) -> None:
    """Print one JSON value; NaN cannot get out."""
    print(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False))


def say(line: str) -> None:
    """Tell the person something that is no result."""
    print(line, file=sys.stderr)


def bars(*, quiet: bool) -> Any:
    """Make the progress bars."""
    from harness.console import Bars

    return Bars(quiet=quiet)
