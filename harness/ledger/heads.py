"""The last entry of each ledger that this machine has seen, so that a cut-off end is noticed.

They lie beside the keys, in a hash-chained file. A machine that never read a ledger, or
cannot write there, knows nothing: only one that did can tell that entries are gone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.errors import AlteredError
from harness.ledger.connection import Server
from harness.ledger.entries import Entry
from harness.ledger.journal import Journal
from harness.ledger.keys import folder

HEADS = "ledgers.jsonl"


class Heads:
    """What this machine knows of one ledger; read it before the ledger, never after."""

    def __init__(self, server: Server, ledger: str) -> None:
        self._journal = Journal(folder() / HEADS)
        self._key = {"store": _store(server), "ledger": ledger}
        own = [e for e in self._journal.read() if self._key.items() <= e.items()]
        last = max(own, key=lambda entry: int(entry["number"]), default=None)
        self._number = int(last["number"]) if last else 0
        self._digest = str(last["digest"]) if last else ""

    def check(self, entries: Sequence[Entry]) -> None:
        """Compare a ledger with what was seen of it.

        Raises:
            AlteredError: It ends before an entry that was seen, or has another in its place.
        """
        number = self._number
        if not number or (
            number <= len(entries) and entries[number - 1].digest == self._digest
        ):
            return
        problem = (
            f"the ledger ends at entry {len(entries)}, and this machine has seen entry {number}"
            if len(entries) < number
            else f"entry {number} is not the one that this machine has seen"
        )
        raise AlteredError(
            problem,
            where=self._key["ledger"],
            fix="restore MLflow's database from a backup: the ledger is the only record of "
            f"what was served. What was seen of it is in {self._journal.path}",
        )

    def note(self, entries: Sequence[Entry]) -> None:
        """Remember the last entry, where it is a new one and this machine may write."""
        if len(entries) <= self._number:
            return
        last = entries[-1]
        try:
            self._journal.add([{**self._key, "number": last.number, "digest": last.digest}])
        except OSError:
            return  # a job without a folder of its own; it has read a whole ledger all the same


def _store(server: Server) -> str:
    """Which database it is: its address, its workspace, and when it was made.

    Two databases follow each other at one address wherever somebody starts afresh.
    The time is that of the experiment which MLflow makes first, and nobody can set
    it through MLflow.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.engine import make_url

    address = server.shown
    if address.startswith("sqlite:"):
        address = f"sqlite:{Path(make_url(server.uri).database or '').absolute()}"
    try:
        born = server.client.get_experiment("0").creation_time
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED"):
            raise
        born = None
    workspace = os.environ.get("MLFLOW_WORKSPACE", "").strip() or "default"
    return f"{address} of {born}, workspace {workspace}"
