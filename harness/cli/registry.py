"""Commands about what an alias serves: its past, its repair, and the way back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from harness.cli.options import AsJson, Reason, emit, print_json

app = typer.Typer(
    help="What an alias of a model serves, on which evidence, and the way back.",
    no_args_is_help=True,
)
Model = Annotated[str, typer.Argument(help="The registered model.")]
Alias = Annotated[str, typer.Option("--alias", help="The model's alias.")]


@app.command()
def status(model: Model, as_json: AsJson = False) -> None:
    """List a model's versions with the aliases on them, and the aliases that are frozen."""
    from harness.flow.registry import freezes
    from harness.flow.registry import status as versions

    frozen = freezes(model)
    found = versions(model, frozen)
    if as_json:
        print_json(found)
        return
    for one in found:
        aliases = ", ".join(one["aliases"]) or "-"
        print(f"version {one['version']:>4}  {aliases:20} run {one['run'] or '-'}")
    for alias, told in frozen.items():
        print(f"frozen        {alias:20} {told}")


@app.command()
def history(model: Model, alias: Alias = "champion", as_json: AsJson = False) -> None:
    """Tell who changed the alias, to what, on which evidence, and how to check it."""
    from harness.flow.registry import history as told

    found = told(model, alias)
    if as_json:
        print_json(found)
        return
    serves = f"version {found['serves']}" if found["serves"] else "nothing"
    print(f"{alias!r} of {model} serves {serves}")
    if found["frozen"]:
        print(f"frozen    {found['frozen']}")
    for change in found["changes"]:
        _print_change(change)
    for entry in found["passed_over"]:
        print(f"\n   -  {_told(entry)}")
        print(f"      changed nothing: {entry['why']}")


@app.command()
def rollback(
    model: Model,
    version: Annotated[str, typer.Option("--to", help="The version to serve again.")],
    alias: Alias = "champion",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Serve a version again that was promoted before; it is not evaluated anew."""
    from harness.flow.registry import rollback as go

    emit({"rollback": go(model, version, alias, reason=reason)}, as_json=as_json)


@app.command()
def freeze(
    model: Model, alias: Alias = "champion", reason: Reason = "", as_json: AsJson = False
) -> None:
    """Let nothing change what the alias serves until it is unfrozen."""
    from harness.flow.registry import freeze as go

    emit({"freeze": go(model, alias, reason=reason)}, as_json=as_json)


@app.command()
def unfreeze(
    model: Model, alias: Alias = "champion", reason: Reason = "", as_json: AsJson = False
) -> None:
    """Let the alias be changed again."""
    from harness.flow.registry import unfreeze as go

    emit({"unfreeze": go(model, alias, reason=reason)}, as_json=as_json)


@app.command()
def reconcile(model: Model, alias: Alias = "champion", as_json: AsJson = False) -> None:
    """Set the alias to what its ledger says, after a crash or somebody's hand."""
    from harness.flow.registry import reconcile as go

    emit({"reconcile": go(model, alias)}, as_json=as_json)


def _print_change(change: dict[str, Any]) -> None:
    print(f"\n{change['epoch']:>4}  {_told(change)}")
    if change["reason"]:
        print(f"      reason    {change['reason']}")
    if change["op"] != "promote":
        return
    evidence = change["evidence"]
    print(f"      model     subject {change['subject'][:16]}")
    print(f"      evidence  run {evidence.get('run_id')}, seal {evidence.get('seal', '')[:16]}")
    print(f"      rules     {_rules(evidence)}")
    if change["changed"]:
        print(f"      changed   another {' and '.join(change['changed'])} than before")
    print(f"      check     {change['check']}")


def _rules(evidence: dict[str, str]) -> str:
    """Name the rules with the digests that tell apart those of one name."""
    policy, exam = (evidence.get(name, "-")[:12] for name in ("policy_sha256", "exam_sha256"))
    return f"policy {evidence.get('policy')} {policy}, suite {evidence.get('suite')} {exam}"


def _told(entry: dict[str, Any]) -> str:
    version = f" version {entry['version']}" if entry["version"] else ""
    return f"{entry['op']}{version} by {entry['actor']}, {entry['time']}"
