"""Make MLflow's SQLite file whole or not at all.

MLflow makes its tables one by one, in a hundred steps that SQLite cannot take back
together: two clients that find no file break each other, and one that is killed
leaves a file which no MLflow opens again. So the file is made beside, and linked
into place when it is done; whoever comes second uses the first one's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sqlite_file(uri: str) -> Path | None:
    """The file that an SQLite address names; None for any other address."""
    from sqlalchemy.engine import make_url

    if not uri.startswith("sqlite:"):
        return None
    database = make_url(uri).database
    if not database or database == ":memory:":
        return None
    return Path(database).absolute()


def placed(uri: str) -> str:
    """An SQLite address with the whole path of its file; any other address as it is.

    MLflow keeps one connection for an address, so a relative one would go on meaning the
    folder that this process was in when it was first used.
    """
    from sqlalchemy.engine import make_url

    path = sqlite_file(uri)
    if path is None:
        return uri
    return make_url(uri).set(database=str(path)).render_as_string(hide_password=False)


def prepare(uri: str) -> None:
    """Give an SQLite address that names no file yet one with MLflow's tables."""
    path = sqlite_file(uri)
    if path is None or path.exists() or not path.parent.is_dir():
        return
    with _alone(path.parent):
        scratch = path.with_name(f".{path.name}.making")
        shutil.rmtree(scratch, ignore_errors=True)
        if not path.exists():
            scratch.mkdir()
            _make(scratch, path)
            shutil.rmtree(scratch)


def _make(scratch: Path, path: Path) -> None:
    import mlflow

    made, copy = scratch / "made.db", scratch / "copy.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{made}")
    _copy(made, copy)
    with contextlib.suppress(FileExistsError):  # made meanwhile by something else
        os.link(copy, path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others who do this out, by a lock on the folder itself: it leaves no file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _copy(source: Path, target: Path) -> None:
    """Copy as SQLite reads it: what is in its journal too."""
    with (
        contextlib.closing(sqlite3.connect(source)) as whole,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        whole.backup(copy)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
