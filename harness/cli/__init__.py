"""The command line: parse, call `flow`, print. Nothing is decided here."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer

import harness
from harness.cli import (
    assets,
    audit_log,
    compare,
    evidence,
    files,
    keys,
    policy,
    reference,
    registry,
    runs,
    shelf,
)
from harness.cli.options import CODES, say
from harness.errors import HarnessError

_EVIDENCE, _USAGE, _BUG, _INTERRUPTED = 3, 64, 70, 130
# Typer carries its own copy of click, whose base error it does not export.
_Misuse: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

app = typer.Typer(
    name="harness",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    epilog=CODES,
)


def _version(asked: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if asked:
        print(f"harness {harness.__version__}")
        raise typer.Exit


@app.callback()
def program(
    _: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_version, help="Print the version, and leave."
        ),
    ] = False,
) -> None:
    """Evaluate and govern generated content: suites in, verdicts and evidence out."""


app.add_typer(runs.app)
app.add_typer(compare.app)
app.add_typer(evidence.app)
app.add_typer(files.app)
app.add_typer(shelf.app, name="runs")
app.add_typer(assets.app, name="assets")
app.add_typer(policy.app, name="policy")
app.add_typer(reference.app, name="reference")
app.add_typer(registry.app, name="registry")
app.add_typer(keys.app, name="keys")
app.add_typer(audit_log.app, name="audit-log")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    command = typer.main.get_command(app)
    if argv is None:
        # Arrow's own allocator keeps what it once had: a quarter more for a million rows.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        # A job that is preempted stops as cleanly as by Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = command.main(args=argv, prog_name="harness", standalone_mode=False)
    except HarnessError as error:
        say(f"error: {error}")
        return error.exit_code
    except _Misuse as error:
        error.show()
        return _USAGE
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except OSError as error:
        say(f"error: {error}\n  fix:   finished work is kept; run the same command again")
        return _EVIDENCE
    except Exception:  # noqa: BLE001 - Python would exit 1, and a bug must not read as FAIL
        traceback.print_exc()
        return _BUG
    if code == _INTERRUPTED:  # Typer turns an interrupt into this code itself
        again = shlex.join(["harness", *(sys.argv[1:] if argv is None else argv)])
        say(f"stopped; finished work is kept, and this goes on from here:\n  {again}")
    return int(code or 0)
