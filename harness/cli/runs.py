"""Commands that make, judge, report, record and promote runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    CODES,
    EXIT,
    Against,
    Alias,
    AsJson,
    Budget,
    Changed,
    Folder,
    Model,
    Out,
    Policy,
    Reason,
    Sequential,
    Suite,
    Waivers,
    bars,
    emit,
    finish,
    policy_,
    read,
    rules_,
    served,
    suite_,
    summary,
    tell,
    work,
    work_if,
)
from harness.errors import HarnessError

app = typer.Typer()


@app.command(epilog=CODES)
def gate(
    suite: Suite,
    policy: Annotated[str, typer.Option("--policy", "-p", help="A policy file or name.")],
    out: Out = None,
    model: Annotated[
        str | None, typer.Option(help="Register and promote as this model.")
    ] = None,
    alias: Alias = "champion",
    waivers: Waivers = None,
    champion: Against = None,
    sequential: Sequential = False,
    budget: Budget = None,
    track: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Log to MLflow.")] = True,
    changed: Changed = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Run a suite, judge it, log it, and promote the model only if it passes."""
    from harness.flow.champion import champion_of
    from harness.flow.gate import Target, decide, settle
    from harness.flow.run import Options

    if model and not track:
        raise typer.BadParameter("--model promotes in MLflow: leave out --no-mlflow or --model")
    rules = policy_(policy)
    target = Target(model, alias, rules_(changed), reason) if model else None
    with work_if(out) as place, served(champion) as other:
        how = Options(
            out=place, waivers=waivers, sequential=sequential, budget=budget, track=track,
            champion=champion_of(other, rules, place.parent if place else Path("runs")),
        )  # fmt: skip
        with bars(quiet=as_json) as progress:
            view, folder = decide(suite_(suite), rules, how, target=target, progress=progress)
        try:
            done = settle(view, folder, track=track, target=target)
        except HarnessError:  # the verdict stands whatever became of MLflow
            tell(view, summary(view, folder, out), as_json=as_json)
            raise
    finish(view, summary(view, folder, out) | done, as_json=as_json)


@app.command("run", epilog=CODES)
def run_command(
    suite: Suite,
    policy: Policy = None,
    out: Out = None,
    waivers: Waivers = None,
    champion: Against = None,
    sequential: Sequential = False,
    budget: Budget = None,
    as_json: AsJson = False,
) -> None:
    """Run a suite and write its report; judge it where a policy is given. Nothing is logged."""
    from harness.flow.champion import champion_of
    from harness.flow.run import Options, run

    rules = policy_(policy) if policy else None
    with work_if(out) as place, served(champion) as other:
        runs = place.parent if place else Path("runs")
        how = Options(
            out=place, waivers=waivers, sequential=sequential, budget=budget,
            champion=champion_of(other, rules, runs) if rules else None,
        )  # fmt: skip
        with bars(quiet=as_json) as progress:
            view, folder = run(suite_(suite), rules, how, progress=progress)
    finish(view, summary(view, folder, out), as_json=as_json)


@app.command(epilog=CODES)
def judge(
    folder: Folder,
    policy: Policy = None,
    waivers: Waivers = None,
    champion: Against = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="Judge a copy, here; the run stays as it is."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a stored run again, by its own policy or another. Loads no model.

    By its own policy it keeps its waivers unless others are given; by another
    policy it has only those given here. Its seal becomes a new one: use --out
    for a run that an alias rests on.
    """
    from harness.flow.assess import rejudge
    from harness.flow.champion import champion_of
    from harness.flow.rules import copied, fate_of_waivers

    rules = policy_(policy) if policy else None
    with (
        read(folder) if out else work(folder) as run,
        work_if(out) as copy,
        served(champion) as said,
    ):
        other = champion_of(said, rules or run, run.parent)
        place = copied(run, copy) if copy else run
        fate = fate_of_waivers(place, rules, waivers)
        view = rejudge(place, rules, waivers=waivers, champion=other)
    told = {"waivers": {"said": fate}} if fate else {}
    finish(view, summary(view, place, out or folder) | told, as_json=as_json)


@app.command()
def report(
    folder: Folder,
    form: Annotated[
        str, typer.Option("--format", "-f", help="html, markdown, json, junit.")
    ] = "markdown",
) -> None:
    """Print a stored run's report, made anew from its scores."""
    from harness import registry
    from harness.flow.assess import review

    with read(folder) as here:
        sys.stdout.buffer.write(registry.load("reporters", form)().render(review(here)))


@app.command("record")
def record_command(folder: Folder, as_json: AsJson = False) -> None:
    """Send a stored run to MLflow. Sending it twice stores it once."""
    from harness.flow.assess import review
    from harness.flow.record import record

    with work(folder) as here:
        done = record(review(here), here)
    emit({"mlflow": done}, as_json=as_json)


@app.command("promote", epilog=CODES)
def promote_command(
    folder: Folder,
    model: Model,
    alias: Alias = "champion",
    generator: Annotated[str | None, typer.Option(help="Which generator of the run.")] = None,
    changed: Changed = None,
    reason: Reason = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would happen and why; write nothing."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register what a run evaluated and move an alias to it, only if it passed."""
    from harness.flow.assess import review
    from harness.flow.promote import Asked, promote, rehearse

    asked = Asked(generator=generator, changed=rules_(changed), reason=reason)
    with read(folder) as here:
        view = review(here)
        result = (rehearse if dry_run else promote)(view, here, model, alias, asked)
    emit({"promotion": result}, as_json=as_json)
    if not (result["moved"] or dry_run):
        raise typer.Exit(EXIT[view.outcome] or 2)
