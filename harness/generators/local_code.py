"""The digests of code that a suite names: what its identity rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import digests
from harness.errors import SpecError


def digests_of(files: Sequence[Path], folder: Path) -> Mapping[str, str]:
    """Digest files, by their names within the suite's folder or else in full.

    Raises:
        SpecError: One cannot be read.
    """
    return {_name(path, folder): _digest(path) for path in files}


def _digest(path: Path) -> str:
    try:
        return digests.of_file(path)
    except (OSError, ValueError) as error:
        raise SpecError(
            "a file of the suite's code cannot be read",
            where=str(path),
            fix="name files relative to the suite",
        ) from error


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
