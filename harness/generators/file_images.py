"""Images that exist already: which of them answers a prompt, and its pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from harness import digests, pictures
from harness.errors import SpecError
from harness.records import Failure, Image
from harness.spec.images import digest
from harness.spec.images.container import Container
from harness.spec.images.described import LABEL_COLUMN
from harness.spec.misfits import unreadable


def digests_of(images: Path, manifest: Path | None) -> Mapping[str, str]:
    """Digests of a collection of images and of its manifest.

    Raises:
        SpecError: One of them cannot be read.
    """
    made = {"images": digest(images)}
    if manifest is None:
        return made
    try:
        return {**made, "manifest": digests.of_file(manifest)}
    except (OSError, ValueError) as error:
        raise unreadable(manifest, error) from error


def by_columns(found: Container[Any], prompt: str) -> dict[str, list[str]]:
    """The names of images by the prompt in a column; by their folder where none is described.

    Raises:
        SpecError: There is no such column.
    """
    known = {name for columns in found.columns.values() for name in columns}
    column = LABEL_COLUMN if known == {LABEL_COLUMN} else prompt
    if column not in known:
        raise SpecError(
            "nothing says which prompt an image answers", where=str(found.path),
            fix=f"its columns are {', '.join(sorted(known))}; set `prompt` to match" if known
            else "name a `manifest`, or put the images of a prompt in a folder of its name",
        )  # fmt: skip
    answers: dict[str, list[str]] = {}
    for name, columns in found.columns.items():
        if column in columns:
            answers.setdefault(columns[column], []).append(name)
    return answers


def check_names(found: Container[Any], names: Iterable[object], manifest: Path) -> None:
    """Refuse a manifest none of whose names is there: its paths start elsewhere.

    Raises:
        SpecError: So it is.
    """
    there = set(found.names())
    if not any(isinstance(name, str) and Container.key(name) in there for name in names):
        raise SpecError(
            "none of the images it names is there", where=str(manifest),
            fix=f"{found.path} has {', '.join(islice(found.pictures(), 3)) or 'no image'}",
        )  # fmt: skip


def picture(found: Container[Any], name: object) -> Image | Failure:
    """Read and decode one image."""
    if not isinstance(name, str):
        return Failure(f"the image's name is {type(name).__name__}, not text")
    data = found.read(name)
    # What lies in a Parquet file has a number for a name, which says no format.
    return data if isinstance(data, Failure) else pictures.decode(data, name)
