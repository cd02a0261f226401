"""A file of entries that are only ever added: each line names the one before it by digest.

Changing or removing an entry breaks the chain at that place. Cutting entries
off the end does not: only somebody who learnt the last digest elsewhere can
tell, so whoever needs that must keep it somewhere else.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from harness import digests, durable
from harness.errors import AlteredError

FIRST = "0" * 64
_CHAIN = ("seq", "prev", "hash")


class Journal:
    """A hash-chained JSON-lines file; several processes may add to it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """Every entry, in order; none where there is no file.

        A last line without its end is what a crash leaves while adding: it was
        never acknowledged, and is left out.

        Raises:
            AlteredError: An entry was changed, removed or put in between.
        """
        durable.fresh(self.path)
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AlteredError(f"cannot be read: {error}", where=str(self.path)) from error
        return self._checked(data)

    def add(self, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Add entries, durably, and return them as they were chained.

        Raises:
            AlteredError: The file was changed since.
        """
        if not entries:
            return []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with durable.alone(self.path), self._locked() as file:
            data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            known = self._checked(whole)
            chained = list(_chained(entries, known[-1] if known else None))
            file.seek(len(whole))
            file.truncate()
            file.write(b"".join(digests.canonical(entry) + b"\n" for entry in chained))
            file.flush()
            os.fsync(file.fileno())
        return chained

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _checked(self, data: bytes) -> list[dict[str, Any]]:
        lines = data[: data.rfind(b"\n") + 1].splitlines()
        entries: list[dict[str, Any]] = []
        for number, line in enumerate(lines, start=1):
            entry = _parsed(line)
            previous = entries[-1]["hash"] if entries else FIRST
            if (
                entry is None
                or entry.get("seq") != number
                or entry.get("prev") != previous
                or entry.get("hash") != _hash(entry)
            ):
                raise AlteredError(
                    "an entry is not what was written",
                    where=f"{self.path}:{number}",
                    fix="restore the file from a copy; without it earlier attempts are unknown",
                )
            entries.append(entry)
        return entries


def _chained(
    entries: Sequence[Mapping[str, Any]], last: Mapping[str, Any] | None
) -> Iterator[dict[str, Any]]:
    seq, previous = (last["seq"], last["hash"]) if last else (0, FIRST)
    for entry in entries:
        seq += 1
        linked = {**entry, "seq": seq, "prev": previous}
        previous = _hash(linked)
        yield {**linked, "hash": previous}


def _hash(entry: Mapping[str, Any]) -> str:
    return digests.of_json({key: value for key, value in entry.items() if key != "hash"})


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and set(_CHAIN) <= entry.keys() else None
