"""Commands about datasets that outputs are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, bars, emit

app = typer.Typer(help="Real images that outputs are held against.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `build` a command of its own, though it is the only one."""


@app.command()
def build(
    dataset: Annotated[str, typer.Argument(help="A folder, archive, Parquet file or asset.")],
    model: Annotated[
        str, typer.Option(help="The encoder's model: an asset, folder or hub id.")
    ],
    encoder: Annotated[str, typer.Option(help="`harness list encoders`.")] = "vision",
    revision: Annotated[str | None, typer.Option(help="Of a hub id, all 40 digits.")] = None,
    as_json: AsJson = False,
) -> None:
    """Encode a dataset once, into the cache: every run that asks for it finds it there."""
    from harness.flow.reference import build as go

    options = {"model": model} | ({"revision": revision} if revision else {})
    with bars(quiet=as_json) as progress:
        found = go(dataset, encoder, options, Path(), progress)
    emit({"reference": found}, as_json=as_json)
