"""Commands about policies: what they take, whether they work, and what a change does."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import AsJson, Folder, policy_, print_json, read, suite_
from harness.errors import SpecError

if TYPE_CHECKING:
    from harness.flow.plan import Plan

app = typer.Typer(
    help="Policies: what they take, whether they can fail, and what a change does.",
    no_args_is_help=True,
)
_PART = re.compile(r"(\d{1,6}(\.\d{1,12})?|\.\d{1,12})x", re.ASCII)
_Policy = Annotated[str, typer.Argument(help="A policy file, or a shipped policy's name.")]
_Suite = Annotated[
    str | None, typer.Option(help="A suite: count its prompts, take its scorers' metrics.")
]


@app.command("plan")
def plan_command(
    policy: _Policy,
    suite: _Suite = None,
    pilot: Annotated[
        Path | None, typer.Option(help="A stored run, whose spread is taken as true.")
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            help="With --suite: the chance to pass of a model whose true share of bad "
            "outputs is this part of the limit: 0.25x is a quarter of what the rule allows. "
            "Several times for several."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how many prompts each rule takes, before anything is generated."""
    from harness.cli.policy_tables import show_plan
    from harness.flow.policy.pilot import read_pilot
    from harness.flow.policy.plan import FACTORS, plan_policy
    from harness.spec.extend import load_policy

    parts = _parts(rate, suite) if rate else FACTORS
    place = policy_(policy)
    rules = load_policy(place)
    seen = read_pilot(pilot, rules, _today()) if pilot else None
    found = plan_policy(rules, _planned(suite), seen, place.parent, parts)
    if as_json:
        print_json(dataclasses.asdict(found))
    else:
        show_plan(found)


@app.command("test")
def try_command(policy: _Policy, suite: _Suite = None, as_json: AsJson = False) -> None:
    """Try a policy on planted evidence: what it must never pass, and rules that are dead."""
    from harness.cli.policy_tables import show_trial
    from harness.flow.policy.trial import try_policy

    found = try_policy(policy_(policy), _today(), _planned(suite))
    if as_json:
        print_json(dataclasses.asdict(found))
    else:
        show_trial(found)
    if not found.right:
        raise typer.Exit(1)


@app.command("explain")
def explain_command(
    run: Folder,
    policy: Annotated[
        str | None,
        typer.Option("--policy", "-p", help="Another policy than the run's own."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what would change a stored run's verdict, and how far each rule is from it."""
    from harness.cli.policy_tables import show_explanation
    from harness.flow.policy.explain import explain_run
    from harness.spec.extend import load_policy

    other = load_policy(policy_(policy)) if policy else None
    with read(run) as here:
        found = explain_run(here, other, _today())
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
    else:
        show_explanation(found)


@app.command("diff")
def diff_command(
    old: _Policy,
    new: Annotated[str, typer.Argument(help="The policy to compare it with.")],
    run: Annotated[
        Path | None, typer.Option(help="A stored run to judge by both; nothing is written.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what changed between two policies, and whether it is stricter or looser."""
    from harness.cli.policy_tables import show_diff
    from harness.flow.policy.diff import diff, effect
    from harness.spec.extend import load_policy

    before, after = load_policy(policy_(old)), load_policy(policy_(new))
    found = diff(before, after)
    if run:
        found = dataclasses.replace(found, effect=effect(run, before, after, _today()))
    if as_json:
        print_json(dataclasses.asdict(found))
    else:
        show_diff(found)


def _parts(rates: list[str], suite: str | None) -> tuple[float, ...]:
    fix = "write a part of the limit, such as 0.25x: a quarter of what is allowed"
    if suite is None:
        raise SpecError(
            "the chance to pass depends on how many prompts there are",
            where="--rate",
            fix="give the suite too: --suite SUITE",
        )
    for text in rates:
        if not _PART.fullmatch(text):
            raise SpecError(f"{text!r} is no part of a limit", where="--rate", fix=fix)
    return tuple(sorted({float(text.removesuffix("x")) for text in rates}))


def _planned(suite: str | None) -> Plan | None:
    from harness.flow.plan import plan
    from harness.spec.load import load
    from harness.spec.suite import SuiteSpec

    if suite is None:
        return None
    path = suite_(suite)
    return plan(load(path, SuiteSpec), path.parent)


def _today() -> date:
    return datetime.now(UTC).date()
