"""Write files so that a crash leaves the old one or the new one, never half of one.

A folder can be watched: whoever keeps it elsewhere too hears of each file once it
is whole, in the order written, so that what is kept is at any moment a state that the
folder was in.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol, TextIO


class Watcher(Protocol):
    """Keeps a folder elsewhere too."""

    def wrote(self, path: Path) -> None:
        """Hear that a file, or a folder of files, is whole."""

    def removed(self, path: Path) -> None:
        """Hear that a file, or a folder of files, is gone."""

    def fresh(self, path: Path) -> None:
        """Bring what others added to a shared file."""

    def alone(self, path: Path) -> AbstractContextManager[None]:
        """Let nobody else change a shared file meanwhile; keep it at the end."""


_watched: dict[Path, Watcher] = {}


@contextmanager
def watch(watcher: Watcher, *places: Path) -> Iterator[None]:
    """Tell of all that is written through here, in these folders or to these files."""
    _watched.update(dict.fromkeys(places, watcher))
    try:
        yield
    finally:
        for place in places:
            del _watched[place]


def watcher_of(path: Path) -> Watcher | None:
    """Find who keeps a path elsewhere too."""
    if not _watched:
        return None
    return next((w for root, w in _watched.items() if path.is_relative_to(root)), None)


def write(path: Path, data: bytes) -> None:
    """Write beside the target, flush to disk, then rename over it."""
    write_with(path, lambda scratch: _dump(scratch, data))


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys and without NaN, as `write` does."""
    write(path, json_bytes(value))


def json_bytes(value: object) -> bytes:
    """The bytes that `write_json` writes."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def write_with(path: Path, writer: Callable[[Path], object]) -> None:
    """Let `writer` fill a scratch file, flush it to disk, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        writer(scratch)
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.chmod(0o600)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    flush(path.parent)
    told(path)


def flush(folder: Path) -> None:
    """Flush the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def told(path: Path) -> None:
    """Tell whoever watches that a file, or a folder of files, was brought in another way."""
    if watcher := watcher_of(path):
        watcher.wrote(path)


def remove(path: Path) -> None:
    """Delete a file, or a folder with all it holds; it need not be there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    if watcher := watcher_of(path):
        watcher.removed(path)


def fresh(path: Path) -> None:
    """Bring what others added to a shared file, where it is kept elsewhere too."""
    if watcher := watcher_of(path):
        watcher.fresh(path)


def lock(path: Path) -> TextIO | None:
    """Lock a file until what is given is closed; None where another process has it locked."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def alone(path: Path) -> AbstractContextManager[None]:
    """Be the only one who changes a shared file, where it is kept elsewhere too."""
    watcher = watcher_of(path)
    return watcher.alone(path) if watcher else nullcontext()


def _dump(path: Path, data: bytes) -> None:
    path.write_bytes(data)
