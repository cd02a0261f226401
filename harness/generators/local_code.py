"""The digests of code that a suite names: what its identity rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, ValidationInfo

from harness import digests
from harness.errors import SpecError


def _folder(value: object, info: ValidationInfo) -> Path:
    """Place a folder; unlike a `SuitePath`, also where it is left out."""
    if not isinstance(value, str | Path):
        raise ValueError("it is no path")  # noqa: TRY004 - pydantic tells only this kind
    base: Path = (info.context or {}).get("base", Path())
    return base / value


SuiteFolder = Annotated[Path, PlainValidator(_folder), Field(validate_default=True)]
"""The suite's folder, or one that is named relative to it."""
AllowCode = Annotated[
    Literal[True],
    Field(
        description="Say so: whoever runs this suite runs this code, with all that they may do."
    ),
]
"""An option without which no code of the suite's is run."""


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
