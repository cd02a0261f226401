"""Rows of a JSONL, CSV or Parquet file, one at a time, each with its line.

Memory stays flat: nothing but the current row (of Parquet, the current 1,024)
is held. Broken lines are stepped over and raised together at the end, so that
one look shows them all; whoever reads a table to its end cannot miss them.
"""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import SpecError
from harness.spec.misfits import Misfits, shown, unreadable

MAX_LINE_BYTES = 16 * 2**20

Row = dict[str, Any]


def rows(path: Path, misfits: Misfits | None = None) -> Iterator[tuple[int, Row]]:
    """Yield each row with its line (JSONL, CSV) or its number (Parquet), both from 1.

    A CSV cell is always text. A NaN of Parquet is None, as a null is.

    Args:
        path: A file ending in `.jsonl`, `.csv` or `.parquet`.
        misfits: Where to note broken lines; the caller then raises them.

    Raises:
        SpecError: The file cannot be read as what its name says, or, at the
            end and without `misfits`, some of its lines are broken.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise SpecError(
            f"{path.suffix or 'no suffix'} is no kind of table",
            where=str(path),
            fix=f"use one of {', '.join(_READERS)}",
        )
    if "\0" in str(path):
        raise unreadable(path, ValueError("it holds a NUL"))
    gathered = Misfits(str(path)) if misfits is None else misfits
    try:
        yield from read(path, gathered)
    except OSError as error:
        raise unreadable(path, error) from error
    if misfits is None:
        gathered.check()


def _jsonl(path: Path, misfits: Misfits) -> Iterator[tuple[int, Row]]:
    for line, text in _lines(path, misfits):
        if not text.strip():
            continue
        try:
            row = _DECODER.decode(text)
            row = _encodable(row) if "\\u" in text else row
        except json.JSONDecodeError as error:
            misfits.add(line, f"not JSON: {error.msg} at column {error.colno}")
        except (ValueError, RecursionError) as error:
            misfits.add(line, f"not JSON: {error}")
        else:
            if isinstance(row, dict):
                yield line, row
            else:
                misfits.add(line, f"{shown(row)} is not an object", 'write {"prompt": "..."}')


def _csv(path: Path, misfits: Misfits) -> Iterator[tuple[int, Row]]:
    reader = csv.reader((text for _, text in _lines(path, misfits)), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            misfits.add(line, f"not CSV: {error}")
            continue
        if cells is None:
            return
        if header is None:
            header = _header(cells, line, misfits)
        elif len(cells) == len(header):
            yield line, dict(zip(header, cells, strict=True))
        elif cells:
            misfits.add(line, f"{len(cells)} cells under {len(header)} columns")


def _header(cells: list[str], line: int, misfits: Misfits) -> list[str]:
    twice = [name for name, count in Counter(cells).items() if count > 1 or not name.strip()]
    if twice or not cells:
        misfits.add(line, f"columns without a name of their own: {shown(twice)}", "name each")
        raise misfits.error()
    return cells


def _parquet(path: Path, misfits: Misfits) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:
            _header(list(file.schema_arrow.names), 0, misfits)
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: _plain(value) for name, value in row.items()}
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise SpecError(
            f"not Parquet: {shown(str(error))}", where=f"{path}, row {number + 1}"
        ) from error


_READERS: dict[str, Callable[[Path, Misfits], Iterator[tuple[int, Row]]]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".parquet": _parquet,
}


def _lines(path: Path, misfits: Misfits) -> Iterator[tuple[int, str]]:
    """Each line as text, line end included; one not in UTF-8 is noted and comes blank."""
    with path.open("rb") as file:
        line = 0
        while data := file.readline(MAX_LINE_BYTES + 1):
            line += 1
            if len(data) > MAX_LINE_BYTES:
                misfits.add(line, f"a line of more than {MAX_LINE_BYTES} bytes")
                raise misfits.error()
            if line == 1 and data.startswith((b"\xff\xfe", b"\xfe\xff")):
                misfits.add(line, "the file is UTF-16", "save it as UTF-8")
                raise misfits.error()
            encoding = "utf-8-sig" if line == 1 else "utf-8"
            try:
                yield line, data.decode(encoding)
            except UnicodeDecodeError as error:
                misfits.add(line, f"not UTF-8 from byte {error.start + 1}", "save it as UTF-8")
                yield line, "\n"


def _once(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        twice = next(
            key for key, count in Counter(key for key, _ in pairs).items() if count > 1
        )
        raise ValueError(f"the key {shown(twice)} is there twice")
    return row


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is no finite number")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite
)


def _encodable(row: Any) -> Any:
    """Refuse half of a surrogate pair, which no text file can hold."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("half of a surrogate pair") from error
    return row


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
