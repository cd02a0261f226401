"""Files that lie one after the other in one open file, found by their place in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from harness.pictures import MAX_BYTES
from harness.records import Failure


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file starts, and how many bytes it has."""

    start: int
    size: int


def append(spool: IO[bytes], data: bytes) -> Place:
    """Write a file at the end."""
    place = Place(spool.tell(), len(data))
    spool.write(data)
    return place


def fetch(spool: IO[bytes], place: Place) -> bytes | Failure:
    """Read one file; of a large one no more than shows that it is too large."""
    spool.seek(place.start)
    wanted = min(place.size, MAX_BYTES + 1)
    data = spool.read(wanted)
    return data if len(data) == wanted else Failure("the archive ends before the file does")
