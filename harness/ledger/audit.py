"""The audit log: who did what, when, as digests, so that what was said can still be erased.

It lies where `HARNESS_AUDIT_LOG` says, else in `runs/audit.jsonl`. An entry has the
digest of what was done and a few names and digests that it concerns, never content:
content can be erased on request, and the log stays whole. Changing, removing or
inserting an entry breaks its chain. Cutting entries off the end does not: that shows
only against a checkpoint which was kept elsewhere, so promotions carry one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import digests
from harness.errors import AlteredError, RefusedError
from harness.ledger.journal import Journal
from harness.ledger.keys import signer

VARIABLE, DEFAULT = "HARNESS_AUDIT_LOG", Path("runs/audit.jsonl")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a log had come: its id, which is its first entry's hash; a number; that hash."""

    log: str
    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.log}:{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Report:
    """A log whose chain is whole; `unfinished` are bytes of an entry that a crash cut short."""

    path: Path
    entries: tuple[Mapping[str, Any], ...]
    unfinished: int

    @property
    def head(self) -> Checkpoint | None:
        """The checkpoint of the last entry; None for an empty log."""
        return _checkpoint(self.entries[0], self.entries[-1]) if self.entries else None

    def concerns(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint is of this log and not of another machine's."""
        return bool(self.entries) and self.entries[0]["hash"] == checkpoint.log

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Whether the entry that the checkpoint names is there."""
        place = checkpoint.seq - 1
        return (
            self.concerns(checkpoint)
            and 0 <= place < len(self.entries)
            and self.entries[place]["hash"] == checkpoint.hash
        )


def place() -> Path:
    """Where the log lies."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


def note(action: str, payload: Mapping[str, object], *, about: Mapping[str, str]) -> Checkpoint:
    """Add an entry, durably, before or after the deed as the caller sees fit.

    Args:
        action: What is done, in a word or two.
        payload: All that describes it; only its digest is kept.
        about: Names and digests by which to find the entry; no content.

    Raises:
        AlteredError: The log was changed since.
        RefusedError: `about` is too long to be names and digests.
    """
    for name, value in about.items():
        if len(name) > _LONGEST or len(value) > _LONGEST or not value.isprintable():
            raise RefusedError("the audit log takes names and digests only", where=name[:40])
    entry = {
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "actor": signer().public.name,
        "action": action,
        "payload_sha256": digests.of_json(payload),
        "about": dict(about),
    }
    (added,) = Journal(place()).add([entry])
    with place().open("rb") as file:
        first = json.loads(file.readline())
    return _checkpoint(first, added)


def head() -> Checkpoint | None:
    """The checkpoint of the last entry; None where nothing was noted yet.

    Raises:
        AlteredError: The log was changed.
    """
    return verify(place()).head if place().exists() else None


def verify(path: Path) -> Report:
    """Check every link of a log.

    Raises:
        AlteredError: There is no log, or an entry was changed, removed or inserted.
    """
    if not path.is_file():
        raise AlteredError(
            "there is no audit log", where=str(path), fix=f"name it, or set {VARIABLE}"
        )
    data = path.read_bytes()
    unfinished = len(data) - data.rfind(b"\n") - 1
    return Report(path, tuple(Journal(path).read()), unfinished)


def parse(text: str) -> Checkpoint:
    """Read a checkpoint as `str` writes it.

    Raises:
        RefusedError: It is none.
    """
    log, _, rest = text.partition(":")
    seq, _, last = rest.partition(":")
    if not (seq.isdecimal() and log and last):
        raise RefusedError("a checkpoint reads LOG:SEQ:HASH", where=repr(text))
    return Checkpoint(log, int(seq), last)


def _checkpoint(first: Mapping[str, Any], last: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(str(first["hash"]), int(last["seq"]), str(last["hash"]))


__all__ = ["Checkpoint", "Report", "head", "note", "parse", "place", "verify"]
