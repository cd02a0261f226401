"""Images in a zip archive, read in place."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from harness.errors import SpecError
from harness.pictures import MAX_BYTES
from harness.records import Failure
from harness.spec.images.container import (
    TOO_LARGE,
    Container,
    expansion_limit,
    too_expansive,
)

MAX_DIRECTORY_BYTES = 64 * 2**20
"""The longest list of a zip's files, which `zipfile` reads whole before it can be counted."""

_ENCRYPTED = 0x1
_TAIL_BYTES = 65_535 + 22 + 20 + 56
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, LookupError,
    OverflowError, struct.error, zlib.error,
)  # fmt: skip


@contextmanager
def zipped(path: Path) -> Iterator[Container[zipfile.ZipInfo]]:
    """Name every file of a zip.

    Raises:
        SpecError: It is no zip, or passes a limit as a whole.
    """
    with _opened(path) as archive:
        found: Container[zipfile.ZipInfo] = Container(path, partial(_fetch, archive))
        total = 0
        for info in archive.infolist():
            total += info.file_size
            if not info.filename.endswith("/"):
                found.add(info.filename, _place(info))
        if total > expansion_limit(path):
            raise too_expansive(path)
        yield found


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        if _directory_bytes(path) > MAX_DIRECTORY_BYTES:
            raise SpecError("the zip lists too many files", where=str(path))
        return zipfile.ZipFile(path)
    except _BROKEN as error:
        raise SpecError(f"not a zip that can be read: {error}", where=str(path)) from error


def _directory_bytes(path: Path) -> int:
    """How long a zip says its list of files is; of its two ways to say so, the larger."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = file.read()
    sizes = [0]
    for mark, form, at in ((b"PK\x05\x06", "<I", 12), (b"PK\x06\x06", "<Q", 40)):
        start = tail.rfind(mark)
        if start >= 0 and len(tail) >= start + at + struct.calcsize(form):
            size = struct.unpack_from(form, tail, start + at)[0]
            sizes.append(0 if (form, size) == ("<I", 0xFFFFFFFF) else size)
    return max(sizes)


def _place(info: zipfile.ZipInfo) -> zipfile.ZipInfo | Failure:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return Failure("a link, or no regular file")
    if info.flag_bits & _ENCRYPTED:
        return Failure("the file is encrypted")
    if info.compress_type not in _METHODS:
        return Failure("the file is compressed by a method that is not read")
    return TOO_LARGE if info.file_size > MAX_BYTES else info


def _fetch(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | Failure:
    try:
        with archive.open(info) as file:
            return file.read(MAX_BYTES + 1)
    except _BROKEN:
        return Failure("the archive is broken where the file lies")
