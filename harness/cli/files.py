"""Commands about what people write: list, validate, schema, init and doctor."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, print_json, say, suite_

app = typer.Typer()


@app.command("list")
def list_command(
    kind: Annotated[
        str,
        typer.Argument(
            help="generators, scorers, reporters, suites, policies, packs, metrics."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """List what there is of one kind, with where it comes from."""
    from harness.flow.listing import listing

    found = listing(kind)
    if as_json:
        print_json(found)
        return
    for name, origin in found.items():
        print(f"{name:28} {origin}")


@app.command()
def validate(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Suites, policies and waivers, or names of shipped suites."),
    ],
    as_json: AsJson = False,
) -> None:
    """Check suites, policies and waivers, prompts and options included. Loads no model.

    A policy given with its suite is held against it: metrics, limits, tags and
    what it compares with. Waivers have to be in force today.
    """
    from harness.flow.validate import validate_together
    from harness.spec.library import names

    shipped = names("suites")
    found = [
        suite_(str(path)) if str(path) in shipped and not path.exists() else path
        for path in paths
    ]
    checked = validate_together(found, datetime.now(UTC).date())
    for note in checked.notes:
        say(f"note: {note}")
    if as_json:
        print_json(checked.summaries)
        return
    for name, summary in checked.summaries.items():
        print(f"ok  {name}: {summary}")


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="suite, policy or waivers.")],
) -> None:
    """Print the JSON schema of suite, policy or waivers files, for editors."""
    from harness.flow.validate import schema_of

    print_json(schema_of(kind))


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

    found = examine(suite_(suite) if suite else None)
    if as_json:
        print_json(found)
    else:
        for line in found["checks"]:
            print(
                f"{line['state']:8} {line['what']}"
                + (f"  ->  {line['fix']}" if line["fix"] else "")
            )
    if found["broken"]:
        raise typer.Exit(3)
