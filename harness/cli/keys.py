"""Commands about keys: whose signature is made here, and whose is believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import AsJson, print_json

if TYPE_CHECKING:
    from harness.ledger.keys import PublicKey

app = typer.Typer(
    help="The key that signs verdicts here, and the keys that are believed.",
    no_args_is_help=True,
)
Name = Annotated[str | None, typer.Option("--name", help="Who signs with it.")]


@app.command()
def init(name: Name = None, as_json: AsJson = False) -> None:
    """Make this machine's key; the first verdict does it too. It is never overwritten."""
    from harness.ledger import keys

    made = keys.init(name).public
    if as_json:
        print_json(_told(made))
        return
    print(f"made      {keys.folder() / keys.PRIVATE}, which signs as {made.name!r}")
    _print(made)


@app.command()
def show(as_json: AsJson = False) -> None:
    """Print the public key to hand to whoever verifies, and list all that are believed."""
    from harness.ledger import keys

    own, others = keys.signer().public, keys.trusted()
    if as_json:
        print_json({"own": _told(own), "trusted": [_told(key) for key in others.values()]})
        return
    _print(own)
    for key in others.values():
        print(f"trusted   {key.key_id[:16]}  {key.name}")


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(help="A public key: PEM, or its base64 line.")],
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Believe what this key signs, from now on. Compare its id with its owner's first."""
    from harness.ledger import keys

    key = keys.trust(file, name)
    if as_json:
        print_json(_told(key))
        return
    print(f"trusted   {key.key_id}  {key.name}")


def _told(key: PublicKey) -> dict[str, str]:
    return {"name": key.name, "key_id": key.key_id, "pem": key.pem}


def _print(key: PublicKey) -> None:
    print(f"key       {key.key_id}  {key.name}")
    print(key.pem, end="")
