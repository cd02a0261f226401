"""Commands that hand a verdict's evidence to somebody else, and check it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, Folder, emit, print_json, read
from harness.errors import HarnessError

app = typer.Typer()


@app.command("bundle")
def bundle_command(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file [RUN.evidence.zip].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a run with its signed verdict to one file, which others verify offline.

    It holds outputs as they came: give it only to whom may read them.
    """
    from harness.engine.objects import is_url
    from harness.flow.bundle import SUFFIX, bundle

    with read(folder) as here:
        beside = Path(f"{here.name}{SUFFIX}") if is_url(folder) else None
        made = bundle(here, out or beside)
    size = made.stat().st_size
    told = {"file": str(made), "bytes": size, "said": f"{made} ({size:,} bytes)"}
    emit({"bundle": told | {"next": [f"check with: harness verify {made}"]}}, as_json=as_json)


@app.command("verify")
def verify_command(
    path: Annotated[str, typer.Argument(help="A run's folder or s3:// URL, or a bundle.")],
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", help="A public key to believe, and no other; may be repeated."),
    ] = None,
    decision: Annotated[
        str, typer.Option(help="How the decision's digest begins: `registry history` tells.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Digest every file, count every item and derive the verdict again; exit 3 on a misfit."""
    from harness.flow.verify import verify

    try:
        with read(path) as here:
            found = verify(here, key or (), decision=decision)
    except HarnessError as error:
        if as_json:
            print_json({"verified": False, "why": str(error.args[0]), "where": error.where})
        raise
    if as_json:
        print_json(
            {
                "verified": True,
                "outcome": found.decision.outcome,
                "run": found.decision.run_id,
                "decision": found.decision.digest,
                "signer": found.decision.signer,
                "key_id": found.decision.key_id,
                "checks": dict(found.checks),
            }
        )
        return
    for name, said in found.checks.items():
        print(f"ok  {name}: {said}")
    print(f"verified  decision {found.decision.digest}")
