"""Commands that make, judge, report, record and promote runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness.cli.options import (
    EXIT,
    Alias,
    AsJson,
    Folder,
    Model,
    Out,
    Policy,
    Suite,
    bars,
    emit,
    finish,
    policy_,
    suite_,
    summary,
)

app = typer.Typer()


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

    with bars(quiet=as_json) as progress:
        view, folder = run(suite_(suite), policy_(policy), out=out, progress=progress)
    summed = summary(view, folder)
    if track or model:
        summed["mlflow"] = record(view, folder)
    if model:
        summed["promotion"] = promote(view, folder, model, alias)
    finish(view, summed, as_json=as_json)


@app.command("run")
def run_command(
    suite: Suite,
    policy: Policy = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Run a suite and write its report; judge it where a policy is given. Nothing is logged."""
    from harness.flow.run import run

    with bars(quiet=as_json) as progress:
        rules = policy_(policy) if policy else None
        view, folder = run(suite_(suite), rules, out=out, progress=progress)
    finish(view, summary(view, folder), as_json=as_json)


@app.command()
def judge(folder: Folder, policy: Policy = None, as_json: AsJson = False) -> None:
    """Judge a stored run again, by its own policy or another. Loads no model."""
    from harness.flow.run import rejudge

    view = rejudge(folder, policy_(policy) if policy else None)
    finish(view, summary(view, folder), as_json=as_json)


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

    emit({"mlflow": record(review(folder), folder)}, as_json=as_json)


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
    emit({"promotion": result}, as_json=as_json)
    if not result["moved"]:
        raise typer.Exit(EXIT[view.outcome] or 2)
