"""Commands about the audit log: whether it is whole, and what was done last."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, print_json

app = typer.Typer(
    help="Who did what and when, as digests, in a file that shows any change of it.",
    no_args_is_help=True,
)
Log = Annotated[
    Path | None, typer.Argument(help="The log [HARNESS_AUDIT_LOG, else runs/audit.jsonl].")
]


@app.command()
def verify(
    path: Log = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(help="LOG:SEQ:HASH, kept elsewhere; entries cut off show against it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry, and print the checkpoint of the last one, to be kept elsewhere."""
    from harness.errors import AlteredError
    from harness.ledger import audit

    report = audit.verify(path or audit.place())
    for text in checkpoint or ():
        if not report.holds(audit.parse(text)):
            raise AlteredError(
                "the log does not hold this checkpoint: entries were cut off its end, "
                "or it is another log",
                where=f"{report.path}, {len(report.entries)} entries: {text}",
                fix="restore the file from a copy",
            )
    found = {
        "path": str(report.path), "entries": len(report.entries),
        "head": str(report.head) if report.head else None, "unfinished": report.unfinished,
    }  # fmt: skip
    if as_json:
        print_json(found)
        return
    print(f"whole     {found['entries']} entries in {report.path}")
    if report.unfinished:
        print(f"          and {report.unfinished} bytes of one that a crash cut short")
    print(f"head      {found['head']}")


@app.command()
def show(path: Log = None, as_json: AsJson = False) -> None:
    """List the last 20 entries, the newest at the end: what was asked, and what was refused.

    What was done is in the ledger: harness registry history.
    """
    from harness.ledger import audit
    from harness.reporters.visible import visible

    entries = audit.verify(path or audit.place()).entries[-20:]
    if as_json:
        print_json([dict(entry) for entry in entries])
        return
    for entry in entries:
        about = ", ".join(f"{name} {_short(value)}" for name, value in entry["about"].items())
        when = entry["ts"][:19].replace("T", " ")
        line = f"{entry['seq']:>5}  {when}  {entry['actor']:12} {entry['action']:17} {about}"
        print(visible(line))


def _short(value: str) -> str:
    """Cut a digest to what tells it from others at a glance."""
    digest = len(value) == 64 and all(letter in "0123456789abcdef" for letter in value)
    return value[:12] if digest else value
