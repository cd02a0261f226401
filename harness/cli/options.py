"""The arguments that several commands share, and how results are printed."""

from __future__ import annotations

import json
import sys
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
    Path | None, typer.Option("--out", "-o", help="The run's folder [runs/<suite>-<digest>].")
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
Folder = Annotated[Path, typer.Argument(help="A run's folder.")]
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


def summary(view: RunView, folder: Path) -> dict[str, Any]:
    """Say which run this is and what it came to."""
    return {"run": view.run_id, "outcome": view.outcome, "folder": str(folder)}


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
