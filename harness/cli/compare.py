"""The command that puts arms side by side."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.options import AsJson, print_json, read
from harness.errors import SpecError

app = typer.Typer()


@app.command()
def compare(
    runs: Annotated[
        list[str], typer.Argument(help="One or more run folders or s3:// URLs, each once.")
    ],
    against: Annotated[
        str | None, typer.Option(help="The arm to show differences from [the first].")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="What stands for a concern: safety=toxicity.mean."),
    ] = None,
    correct: Annotated[
        Literal["holm", "bh"], typer.Option(help="How to correct for many comparisons.")
    ] = "holm",
    html: Annotated[
        Path | None,
        typer.Option(
            help="Write the comparison as a page with pictures, into a folder that is there."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare strategies, models or checkpoints, prompt by prompt. Loads no model."""
    from harness import durable
    from harness.cli.comparison_table import show
    from harness.flow.compare import compare as put_side_by_side
    from harness.reporters.comparison import render

    chosen = _chosen(metric or ())
    _check_page(html)
    with ExitStack() as stack:
        here = [stack.enter_context(read(run)) for run in runs]
        found = put_side_by_side(here, against=against, metrics=chosen, correction=correct)
    if html is not None:
        durable.write(html, render(found))
    if as_json:
        print_json(dataclasses.asdict(found))
        return
    show(found)
    if html is not None:
        print(f"page      {html}")


def _chosen(items: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for concern, name in map(_pair, items):
        if concern in found:
            raise SpecError(f"two metrics are chosen for {concern!r}", fix="choose one")
        found[concern] = name
    return found


def _check_page(path: Path | None) -> None:
    """Refuse a place no page can be written to, before anything is compared."""
    if path is None:
        return
    if path.is_dir():
        raise SpecError("this is a folder, not a page", where=str(path), fix="name a file")
    if not path.parent.is_dir():
        raise SpecError(
            "there is no such folder to write the page to",
            where=str(path.parent),
            fix=f"mkdir -p {shlex.quote(str(path.parent))}",
        )


def _pair(item: str) -> tuple[str, str]:
    concern, sign, name = item.partition("=")
    if not sign or not concern or not name:
        raise SpecError(
            f"{item!r} is no CONCERN=METRIC", fix="for example quality=fluency.bits_per_byte"
        )
    return concern, name
