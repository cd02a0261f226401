"""The Parquet files of a table: numbered, written whole, read with their checksums."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from harness import durable
from harness.errors import AlteredError

if TYPE_CHECKING:
    import pyarrow as pa


def paths(folder: Path) -> list[Path]:
    """The parts of one table, in the order written."""
    return sorted(folder.glob("part-*.parquet"), key=number)


def number(path: Path) -> int:
    """A part's place in the order written."""
    return int(path.stem.rpartition("-")[2])


def place(folder: Path, index: int) -> Path:
    """Where the part of a number lies."""
    return folder / f"part-{index:06d}.parquet"


def write(path: Path, table: pa.Table) -> None:
    """Write a part; it is durable when this returns, and absent or whole at any moment."""
    import pyarrow.parquet as pq

    def fill(scratch: Path) -> None:
        pq.write_table(table, scratch, compression="zstd", write_page_checksum=True)

    durable.write_with(path, fill)


def read(
    path: Path, columns: list[str] | None, fingerprints: Collection[str] | None = None
) -> pa.Table:
    """Read a part, or of it some columns, or the rows of some plug-ins.

    Args:
        path: The part.
        columns: Their names; all when left out.
        fingerprints: Of which plug-ins; of all when left out.

    Raises:
        AlteredError: It cannot be read whole, or lacks one of the columns.
    """
    import pyarrow as pa

    try:
        return _read(path, columns, fingerprints)
    except (pa.ArrowException, KeyError, OSError, UnicodeDecodeError) as error:
        raise AlteredError(
            f"a part of {path.parent.name} cannot be read: {error}",
            where=str(path),
            fix="restore it, or delete it and run the suite again to redo its batch",
        ) from error


def _read(
    path: Path, columns: list[str] | None, fingerprints: Collection[str] | None
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    names = columns if columns is None or fingerprints is None else [*columns, "fingerprint"]
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        part = file.read(columns=names, use_threads=False)
    if fingerprints is not None:
        wanted = pc.is_in(part["fingerprint"], pa.array(sorted(fingerprints), pa.string()))
        part = part.filter(wanted)
    # Parquet silently leaves out a column that it lacks; to select it is an error.
    return part if columns is None or not part.num_rows else part.select(columns)
