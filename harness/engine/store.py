"""A run on disk: immutable Parquet parts, and media named by their digest.

<run>/cases/part-000000.parquet
<run>/outputs/part-000000.parquet             one part per batch
<run>/scores/<scorer>/part-000000.parquet
<run>/media/ab/abcdef...                     equal media stored once
"""

from __future__ import annotations

import dataclasses
import fcntl
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness import digests, durable
from harness.engine import schemas
from harness.errors import AlteredError, BusyError
from harness.records import Case, Image, Media, Output

if TYPE_CHECKING:
    import pyarrow as pa

_CASES_PER_PART = 65_536


class Store:
    """The store of one run directory. Enter it to write; reading needs no lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index: dict[str, dict[str, list[Path]]] = {}
        self._next: dict[str, int] = {}
        self._lock: io.TextIOWrapper | None = None

    def __enter__(self) -> Self:
        """Take the run's lock and remove what an earlier crash left half-written.

        Raises:
            BusyError: Another process is writing this run.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (self.root / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise BusyError(
                "another process is writing this run",
                where=str(self.root),
                fix="wait for it, or give another folder with --out",
            ) from error
        for scratch in self.root.rglob("*.tmp"):
            scratch.unlink()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._lock:
            self._lock.close()

    def write_json(self, name: str, value: object) -> None:
        """Write one of the run's JSON files, with sorted keys."""
        durable.write_json(self.root / name, value)

    def read_json(self, name: str) -> Any:
        """Read one of the run's JSON files.

        Raises:
            AlteredError: It is absent or not JSON.
        """
        try:
            return json.loads((self.root / name).read_bytes())
        except (OSError, ValueError) as error:
            raise AlteredError(
                f"this folder is not a finished run: {name} cannot be read",
                where=str(self.root / name),
                fix="run the suite again; finished work is kept",
            ) from error

    def write_cases(self, cases: Iterable[Case]) -> int:
        """Write the plan, in its order, replacing what an earlier plan left. Count it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        count = 0
        rows: list[Any] = []
        names: set[Path] = set()
        for case in cases:
            rows.append(_case_row(case))
            count += 1
            if len(rows) == _CASES_PER_PART:
                names.add(self._write_cases_part(len(names), rows, pa, pq))
                rows = []
        if rows:
            names.add(self._write_cases_part(len(names), rows, pa, pq))
        for stale in set((self.root / "cases").glob("*.parquet")) - names:
            stale.unlink()
        return count

    def _write_cases_part(self, number: int, rows: list[Any], pa: Any, pq: Any) -> Path:
        path = self.root / "cases" / f"part-{number:06d}.parquet"
        table = pa.Table.from_pylist(rows, schema=schemas.cases())
        durable.write_with(
            path, lambda scratch: pq.write_table(table, scratch, compression="zstd")
        )
        return path

    def append(self, table: str, rows: Mapping[str, Sequence[Any]], schema: pa.Schema) -> None:
        """Write the rows of one batch as one new part; durable when this returns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        index = self._parts(table)
        path = self.root / table / f"part-{self._next[table]:06d}.parquet"
        self._next[table] += 1
        data = pa.table({name: rows[name] for name in schema.names}, schema=schema)
        durable.write_with(
            path, lambda scratch: pq.write_table(data, scratch, compression="zstd")
        )
        for batch_id in set(rows["batch_id"]):
            index.setdefault(batch_id, []).append(path)

    def finished(self, table: str, fingerprint: str) -> Counter[str]:
        """How many rows of each batch need no second attempt, for one plug-in's fingerprint."""
        done: Counter[str] = Counter()
        columns = ["batch_id", "status", "fingerprint"]
        for part in self._scan(
            table, columns, {p for ps in self._parts(table).values() for p in ps}
        ):
            for row in part.group_by(columns).aggregate([([], "count_all")]).to_pylist():
                if row["status"] != "error" and row["fingerprint"] == fingerprint:
                    done[row["batch_id"]] += row["count_all"]
        return done

    def rows(self, table: str, batch_id: str, fingerprint: str) -> Iterator[dict[str, Any]]:
        """Rows of one batch, the last attempt of each case winning."""
        latest: dict[str, dict[str, Any]] = {}
        for part in self._scan(table, None, set(self._parts(table).get(batch_id, []))):
            for row in part.to_pylist():
                if row["batch_id"] == batch_id and row["fingerprint"] == fingerprint:
                    latest[row["case_id"]] = row
        yield from latest.values()

    def columns(self, table: str, columns: Sequence[str]) -> pa.Table:
        """Some columns of every row of a table, in the order written."""
        import pyarrow as pa

        paths = set((self.root / table).glob("part-*.parquet"))
        parts = list(self._scan(table, list(columns), paths))
        return pa.concat_tables(parts) if parts else pa.table({name: [] for name in columns})

    def put(self, media: Media) -> tuple[str | None, str | None]:
        """Store a medium: (text, None) for text, (None, digest) for anything else."""
        if isinstance(media, str):
            return media, None
        data = _encode(media)
        name = digests.of_bytes(data)
        target = self.root / "media" / name[:2] / name
        if not target.exists():
            durable.write(target, data)
        return None, name

    def get(self, output: Output) -> Media:
        """Load what an output holds.

        Raises:
            AlteredError: The stored bytes no longer match their name.
        """
        if output.media is None:
            return output.text or ""
        path = self.root / "media" / output.media[:2] / output.media
        data = path.read_bytes() if path.is_file() else b""
        if digests.of_bytes(data) != output.media:
            raise AlteredError("stored media was changed or lost", where=str(path))
        return _decode(data)

    def _parts(self, table: str) -> dict[str, list[Path]]:
        """Which parts hold each batch; read once, then kept up to date by `append`."""
        if table not in self._index:
            found: dict[str, list[Path]] = {}
            ordered = sorted((self.root / table).glob("part-*.parquet"))
            for path in ordered:
                for part in self._scan(table, ["batch_id"], {path}):
                    for batch_id in part.column("batch_id").unique().to_pylist():
                        found.setdefault(batch_id, []).append(path)
            self._index[table] = found
            self._next[table] = 1 + max((_number(path) for path in ordered), default=-1)
        return self._index[table]

    def _scan(
        self, table: str, columns: list[str] | None, paths: set[Path]
    ) -> Iterator[pa.Table]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        for path in sorted(paths):
            try:
                yield pq.ParquetFile(path).read(columns=columns)
            except (pa.ArrowInvalid, OSError) as error:
                raise AlteredError(
                    f"a part of {table} cannot be read: {error}",
                    where=str(path),
                    fix="restore it, or delete it and run the suite again to redo its batch",
                ) from error


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _case_row(case: Case) -> dict[str, Any]:
    fields = {f.name: getattr(case, f.name) for f in dataclasses.fields(case)}
    prompt = fields.pop("prompt")
    return fields | {
        "params": digests.canonical(dict(case.params)).decode(),
        "prompt_id": prompt.prompt_id,
        "prompt": prompt.text,
        "system": prompt.system,
        "reference": prompt.reference,
        "tags": sorted(prompt.tags.items()),
    }


def _encode(media: Image) -> bytes:
    """PNG without metadata or a time stamp, so that equal pixels are equal bytes."""
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(media.pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _decode(data: bytes) -> Image:
    import numpy as np
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(data)) as picture:
        return Image(np.asarray(picture.convert("RGB"), dtype=np.uint8))
