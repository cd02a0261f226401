"""One file that holds all the evidence of a verdict, in the one form its bytes can have.

A ZIP without compression, its names sorted and its dates fixed, so that the same
evidence is the same file. To read one it is unpacked, packed again and compared: then
no byte of it can change unnoticed, not even one that no digest covers.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from harness import digests, durable
from harness.errors import AlteredError

RUN, SUMMARY, BOM, SIGNER = "run", "summary.md", "bom.cdx.json", "signer.pem"
MOST_MEMBERS = 1_000_000
_DATE, _MODE, _BLOCK = (1980, 1, 1, 0, 0, 0), 0o100600 << 16, 1 << 20
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:]")


def pack(members: Mapping[str, Path | bytes], target: Path) -> None:
    """Write a bundle, readable by its owner alone.

    Args:
        members: What it holds, by POSIX path: a file, or bytes.
        target: Where to.
    """
    durable.write_with(target, lambda scratch: _write(members, scratch))


def unpack(path: Path, folder: Path) -> None:
    """Take a bundle apart, and check that it is in the form that `pack` writes.

    Args:
        path: The bundle.
        folder: An empty folder.

    Raises:
        AlteredError: It is no bundle, or a byte of it was changed.
    """
    try:
        with zipfile.ZipFile(path) as file:
            _check_listing(file.infolist(), path)
            for member in file.infolist():
                _extract(file, member, folder)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise AlteredError(f"not a bundle, or damaged: {error}", where=str(path)) from error
    except (UnicodeError, ValueError, OverflowError) as error:
        raise AlteredError(f"not a bundle, or damaged: {error}", where=str(path)) from error
    found = {
        item.relative_to(folder).as_posix(): item
        for item in folder.rglob("*")
        if item.is_file()
    }
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch) / "bundle"
        _write(found, again)
        if digests.of_file(again) != digests.of_file(path):
            raise AlteredError(
                "the bundle is not in the form it was written in", where=str(path)
            )


def _write(members: Mapping[str, Path | bytes], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as file:
        for name, content in sorted(members.items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = 3, _MODE
            if isinstance(content, bytes):
                file.writestr(info, content)
                continue
            info.file_size = content.stat().st_size
            with content.open("rb") as source, file.open(info, "w") as sink:
                while block := source.read(_BLOCK):
                    sink.write(block)


def _check_listing(members: list[zipfile.ZipInfo], path: Path) -> None:
    """Refuse what could fill a disk or lead out of the folder, before anything is read."""
    names = [member.filename for member in members]
    bad = [
        member.filename
        for member in members
        if member.compress_type != zipfile.ZIP_STORED or not _safe(member.filename)
    ]
    if bad or len(set(names)) != len(names) or len(names) > MOST_MEMBERS:
        raise AlteredError(
            "not a bundle: it holds what none does", where=f"{path}: {bad[:1] or 'twice'}"
        )
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise AlteredError("not a bundle: it says it is larger than it is", where=str(path))


def _safe(name: str) -> bool:
    parts = PurePosixPath(name).parts
    plain = bool(parts) and name == "/".join(parts) and not _UNSAFE.search(name)
    return plain and not ({"..", "."} & set(parts)) and not name.startswith("/")


def _extract(file: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    with file.open(member) as source, target.open("xb") as sink:
        while block := source.read(_BLOCK):
            sink.write(block)


__all__ = ["BOM", "RUN", "SIGNER", "SUMMARY", "pack", "unpack"]
