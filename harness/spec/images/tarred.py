"""Images in a tar, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, cast

from harness.errors import SpecError
from harness.records import Failure
from harness.spec.images import spool
from harness.spec.images.container import Container, expansion_limit, too_expansive
from harness.spec.images.spool import Place

_PIECE_BYTES = 2**20
_BROKEN = (
    tarfile.TarError, OSError, EOFError, ValueError, LookupError, OverflowError, RuntimeError,
    struct.error, zlib.error,
)  # fmt: skip


@contextmanager
def tarred(path: Path) -> Iterator[Container[Place]]:
    """Name every file of a tar.

    Raises:
        SpecError: It is no tar, or passes a limit as a whole.
    """
    with path.open("rb") as packed, tempfile.TemporaryFile() as scratch:
        file: IO[bytes] = packed
        if packed.read(2) == b"\x1f\x8b":
            _unpack(path, scratch)
            file = scratch
        found: Container[Place] = Container(path, partial(spool.fetch, file))
        _index(file, found)
        yield found


def _unpack(path: Path, scratch: IO[bytes]) -> None:
    limit, total = expansion_limit(path), 0
    try:
        with gzip.open(path) as packed:
            while piece := packed.read(_PIECE_BYTES):
                total += len(piece)
                if total > limit:
                    raise too_expansive(path)
                scratch.write(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def _index(file: IO[bytes], found: Container[Place]) -> None:
    file.seek(0)
    last = -1
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", _Headers(file)), mode="r:") as archive:
            while (member := archive.next()) is not None:
                # A size below zero leads back, and round for ever (CVE-2025-8194).
                if member.offset <= last or member.size < 0:
                    raise tarfile.ReadError("a header leads back")
                last = member.offset
                # What it has read it keeps, and a tar may have many members.
                archive.members.clear()  # type: ignore[attr-defined]
                if not member.isdir():
                    found.add(member.name, _place(member))
            # A broken header in the middle is taken for the end, and silently.
            file.seek(archive.offset)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                raise tarfile.ReadError("a header is broken")
    except _BROKEN as error:
        raise _unreadable(found.path, error) from error


def _place(member: tarfile.TarInfo) -> Place | Failure:
    if not member.isreg() or member.issparse():
        return Failure("a link, or no regular file")
    return Place(member.offset_data, member.size)


def _unreadable(path: Path, error: Exception) -> SpecError:
    return SpecError(f"not a tar that can be read: {error}", where=str(path))


class _Headers:
    """A file from which headers are read: in small pieces, so that none fills the memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _PIECE_BYTES:
            raise tarfile.ReadError("a header is too long")
        return self._file.read(size)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()
