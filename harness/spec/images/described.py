"""What is known of images beside their content: `metadata.jsonl`, or the folder they lie in."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from harness.errors import SpecError
from harness.records import Failure
from harness.spec.images.container import Container
from harness.spec.misfits import Misfits
from harness.spec.tables import Row, rows

NAME_COLUMN = "file_name"
LABEL_COLUMN = "label"

_TABLES = ("metadata.jsonl", "metadata.csv")

P = TypeVar("P")


def describe(found: Container[P]) -> None:
    """Fill in the columns, as in an image folder of Hugging Face's `datasets`.

    A `metadata.jsonl` or `metadata.csv`, at the top or in a folder, names files
    beside it in its column `file_name`. Where there is none, an image's column
    `label` is the name of the folder that it lies in.

    Raises:
        SpecError: A table is broken, lacks the column, or names a file twice.
    """
    tables = [name for name in found.names() if PurePosixPath(name).name in _TABLES]
    for table in tables:
        misfits = Misfits(f"{found.path}/{table}")
        for line, row in _rows(found, table, misfits):
            name = row.get(NAME_COLUMN)
            if not isinstance(name, str):
                misfits.add(line, f"there is no text in a column {NAME_COLUMN!r}")
                continue
            key = str(PurePosixPath(table).parent / name)
            if key in found.columns:
                misfits.add(line, f"{name!r} is described twice")
            found.columns[key] = as_text(row, {NAME_COLUMN})
        misfits.check()
    if not tables:
        for name in found.pictures():
            label = PurePosixPath(name).parent.name
            found.columns[name] = {LABEL_COLUMN: label} if label else {}


def as_text(row: Mapping[str, Any], but: set[str]) -> dict[str, str]:
    """The cells of a row that are text, numbers or booleans, as text; a NaN is none."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in row.items()
        if isinstance(value, str | int | float) and not _is_nan(value) and name not in but
    }


def _rows(found: Container[P], table: str, misfits: Misfits) -> Iterator[tuple[int, Row]]:
    data = found.read(table)
    if isinstance(data, Failure):
        raise SpecError(data.reason, where=misfits.name)
    with tempfile.NamedTemporaryFile(suffix=PurePosixPath(table).suffix) as copy:
        copy.write(data)
        copy.flush()
        yield from rows(Path(copy.name), misfits)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
