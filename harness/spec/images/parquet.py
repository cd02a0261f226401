"""Images in a column of a Parquet file, one a row: bytes, or `{bytes, path}` of `datasets`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import SpecError
from harness.pictures import MAX_BYTES
from harness.records import Failure
from harness.spec.images import spool
from harness.spec.images.container import (
    TOO_LARGE,
    Container,
    expansion_limit,
    too_expansive,
)
from harness.spec.images.described import as_text
from harness.spec.images.spool import Place
from harness.spec.misfits import shown

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


def stream(
    path: Path, image: str, columns: Sequence[str] | None = None
) -> Iterator[tuple[str, bytes | Failure, dict[str, str]]]:
    """Yield each row's number as its name, its image, and other columns as text.

    Args:
        path: The file.
        image: The column that holds the images.
        columns: Which others are wanted; None for all.

    Raises:
        SpecError: The file cannot be read, lacks a column, or unpacks to too much.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number, total, limit = 0, 0, expansion_limit(path)
    try:
        # The buffer lets a row group be read in pieces, however large it is.
        with path.open("rb") as opened, pq.ParquetFile(opened, buffer_size=2**20) as file:
            wanted = _wanted(file, path, image, columns)
            # Row by row: one page of a few bytes may say "the same again" a million times.
            for batch in file.iter_batches(batch_size=1, columns=wanted, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    data = _bytes(row.get(image))
                    total += len(data) if isinstance(data, bytes) else 0
                    if total > limit:
                        raise too_expansive(path)
                    yield f"{number:09d}", data, as_text(row, {image})
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise SpecError(
            f"not Parquet: {shown(str(error))}", where=f"{path}, row {number + 1}"
        ) from error


@contextmanager
def spooled(path: Path, image: str, columns: Sequence[str]) -> Iterator[Container[Place]]:
    """Copy the images to where any of them can be found.

    Raises:
        SpecError: As `stream`.
    """
    with tempfile.TemporaryFile() as scratch:
        found: Container[Place] = Container(path, partial(spool.fetch, scratch))
        for name, data, row in stream(path, image, columns):
            found.add(name, data if isinstance(data, Failure) else spool.append(scratch, data))
            found.columns[name] = row
        yield found


def _wanted(
    file: pq.ParquetFile, path: Path, image: str, columns: Sequence[str] | None
) -> list[str]:
    names = list(file.schema_arrow.names)
    plain = [field.name for field in file.schema_arrow if _is_plain(field.type)]
    wanted = [image, *(plain if columns is None else columns)]
    for name in wanted:
        if names.count(name) != 1:
            raise SpecError(
                f"there is no one column {name!r}", where=str(path),
                fix=f"its columns are {', '.join(map(shown, names)) or 'none'}",
            )  # fmt: skip
    return list(dict.fromkeys(wanted))


def _is_plain(kind: pa.DataType) -> bool:
    """Whether cells of a type can be shown as text: the others are not even read."""
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(inner)
        or pa.types.is_large_string(inner)
        or pa.types.is_integer(inner)
        or pa.types.is_floating(inner)
        or pa.types.is_boolean(inner)
    )


def _bytes(value: Any) -> bytes | Failure:
    """One cell's image. A path alone is not followed: it leads out of the file."""
    data = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(data, bytes):
        return Failure("the row holds no bytes of an image")
    return TOO_LARGE if len(data) > MAX_BYTES else data
