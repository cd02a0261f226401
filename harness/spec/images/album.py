"""Images of any container: all in the order of their names, or one by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from harness import digests, pictures
from harness.errors import SpecError
from harness.records import Failure, Image
from harness.spec.images.container import Container
from harness.spec.images.described import describe
from harness.spec.images.folder import digest_of_folder, folder
from harness.spec.images.parquet import spooled, stream
from harness.spec.images.tarred import tarred
from harness.spec.images.zipped import zipped
from harness.spec.misfits import unreadable

_TARS = (".tar", ".tar.gz", ".tgz")


def images(
    path: Path, *, column: str = "image"
) -> Iterator[tuple[str, Image | Failure, Mapping[str, str]]]:
    """Yield every image's name, the image or why there is none, and its other columns.

    Sorted by name; one image is held at a time. A file that is described but not
    there is a failure too. See `describe` for where columns come from.

    Args:
        path: A folder, a `.zip`, `.tar` or `.tar.gz` archive, or a `.parquet` file.
        column: The column of a Parquet file that holds the images.

    Raises:
        SpecError: It cannot be read as what its name says.
    """
    if is_parquet(path):
        _check(path)
        for name, data, columns in stream(path, column):
            yield name, _decoded(data, ""), columns
        return
    with opened(path) as found:
        for name in sorted({*found.pictures(), *found.columns}):
            yield name, _decoded(found.read(name), name), found.columns.get(name, {})


def digest(path: Path) -> str:
    """Sha256 of a file, or of all names and contents of a folder.

    Raises:
        SpecError: It cannot be read.
    """
    _check(path)
    try:
        return digest_of_folder(path) if path.is_dir() else digests.of_file(path)
    except OSError as error:
        raise unreadable(path, error) from error


@contextmanager
def opened(path: Path, *, column: str = "image", prompt: str = "") -> Iterator[Container[Any]]:
    """Open a container to read its images by name.

    Args:
        path: As for `images`.
        column: The column of a Parquet file that holds the images.
        prompt: The one other column of a Parquet file that is wanted, if any.

    Raises:
        SpecError: It cannot be read as what its name says.
    """
    _check(path)
    with ExitStack() as stack:
        try:
            found = stack.enter_context(_container(path, column, prompt))
            if not is_parquet(path):
                describe(found)
        except OSError as error:
            raise unreadable(path, error) from error
        yield found


def is_parquet(path: Path) -> bool:
    """Whether a path names a Parquet file, whose rows have no names of their own."""
    return path.suffix.lower() == ".parquet" and not path.is_dir()


def _container(path: Path, column: str, prompt: str) -> AbstractContextManager[Container[Any]]:
    if path.is_dir():
        return folder(path)
    if is_parquet(path):
        return spooled(path, column, [prompt] if prompt else [])
    return tarred(path) if path.name.lower().endswith(_TARS) else zipped(path)


def _check(path: Path) -> None:
    name = path.name.lower()
    if "\0" in str(path):
        raise unreadable(path, ValueError("it holds a NUL"))
    if not path.exists():
        raise unreadable(path, FileNotFoundError(2, "", str(path)))
    if not path.is_dir() and not (
        path.is_file() and name.endswith((".zip", ".parquet", *_TARS))
    ):
        raise SpecError(
            "this is no collection of images", where=str(path),
            fix=f"name a folder, or a file ending in .zip, {', '.join(_TARS)} or .parquet",
        )  # fmt: skip


def _decoded(data: bytes | Failure, name: str) -> Image | Failure:
    return data if isinstance(data, Failure) else pictures.decode(data, name)
