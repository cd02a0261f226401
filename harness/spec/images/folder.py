"""Images in a folder and the folders in it; links are refused, not followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import digests
from harness.pictures import MAX_BYTES
from harness.records import Failure
from harness.spec.images.container import Container
from harness.spec.misfits import unreadable


@contextmanager
def folder(root: Path) -> Iterator[Container[Path]]:
    """Name every file under a folder.

    Raises:
        SpecError: It, or a folder in it, cannot be read.
    """
    found: Container[Path] = Container(root, _fetch)
    for name, path in _walk(root):
        found.add(name, path if _is_file(path) else Failure("a link, or no regular file"))
    yield found


def digest_of_folder(root: Path) -> str:
    """One digest of all names and contents under a folder; of links, that they are there.

    Raises:
        SpecError: Something under it cannot be read.
    """
    found: dict[str, str] = {}
    for name, path in _walk(root):
        try:
            found[Container.key(name)] = digests.of_file(path) if _is_file(path) else "refused"
        except OSError as error:
            raise unreadable(path, error) from error
    return digests.of_tree(found)


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file, and every link to a folder, by its name relative to the root."""

    def stop(error: OSError) -> None:
        raise unreadable(Path(error.filename or root), error) from error

    for place, folders, files in os.walk(root, onerror=stop):
        base = Path(place)
        links = [name for name in folders if (base / name).is_symlink()]
        for name in (*files, *links):
            yield (base / name).relative_to(root).as_posix(), base / name


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _fetch(path: Path) -> bytes | Failure:
    try:
        # Whoever put a pipe there since may otherwise keep us waiting for good.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        return Failure(f"the file cannot be read: {error.strerror}")
