"""A run on disk: immutable Parquet parts, and media named by their digest.

<run>/cases/part-000000.parquet
<run>/outputs/part-000000.parquet             one part per batch, until they are merged
<run>/scores/<scorer>/part-000000.parquet
<run>/media/ab/abcdef...                     equal media stored once
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO

from harness import digests, durable, pictures
from harness.engine import compaction, parts, schemas
from harness.errors import AlteredError, BusyError, SpecError
from harness.records import Case, Failure, Media, Output

if TYPE_CHECKING:
    import pyarrow as pa

_CASES_PER_PART = 16_384
SCRATCH = re.compile(r"\.[0-9a-f]{8}\.tmp$")
_SEAL, _WAS_SEALED = "seal.json", ".sealed"


def itself(part: pa.Table) -> pa.Table:
    """A part as it is."""
    return part


class Store:
    """The store of one run directory. Enter it to write; reading needs no lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index: dict[str, dict[str, list[Path]]] = {}
        self._next: dict[str, int] = {}
        self._held: tuple[Path, pa.Table] | None = None
        self._lock: TextIO | None = None

    def __enter__(self) -> Self:
        """Take the run's lock and remove what an earlier crash left half-written.

        Raises:
            BusyError: Another process is writing this run.
            SpecError: There is a file, and no folder.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = durable.lock(self.root / ".lock")
        except FileExistsError as error:
            raise SpecError(
                "a run is a folder, and there is a file",
                where=str(self.root),
                fix="name a folder with --out; it need not exist",
            ) from error
        if self._lock is None:
            raise BusyError(
                "another process is writing this run",
                where=str(self.root),
                fix="wait for it, or give another folder with --out",
            )
        for scratch in self.scratch():
            scratch.unlink()
        compaction.mend(self.root)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._lock:
            self._lock.close()

    def scratch(self) -> Iterator[Path]:
        """Half-written files of ours; a folder given with --out may hold others' files."""
        yield from (path for path in self.root.glob("*.tmp") if SCRATCH.search(path.name))
        for table in ("cases", "outputs", "scores", "media"):
            found = (self.root / table).rglob("*.tmp")
            yield from (path for path in found if SCRATCH.search(path.name))

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

    def holds(self, name: str, value: object) -> bool:
        """Whether one of the run's JSON files holds just this."""
        path = self.root / name
        wanted = json.loads(digests.canonical(value))
        return path.is_file() and bool(self.read_json(name) == wanted)

    def reopen(self) -> None:
        """Say that a finished run is unfinished again, before anything is added to it.

        The seal goes last: there is never a decision without the seal it rests on. A mark
        stays: what was sealed once is never rewritten.
        """
        if (self.root / _SEAL).exists() and not (self.root / _WAS_SEALED).exists():
            durable.write(self.root / _WAS_SEALED, b"")
        for name in ("decision.json", _SEAL):
            durable.remove(self.root / name)

    def write_cases(self, cases: Iterable[Case]) -> int:
        """Write the plan, in its order, replacing what an earlier plan left. Count it."""
        import pyarrow as pa

        self.reopen()
        count = 0
        names: set[Path] = set()
        rest = iter(cases)
        while part := list(islice(rest, _CASES_PER_PART)):
            path = parts.place(self.root / "cases", len(names))
            parts.write(path, pa.table(_case_columns(part), schema=schemas.cases()))
            names.add(path)
            count += len(part)
        for stale in set((self.root / "cases").glob("*.parquet")) - names:
            durable.remove(stale)
        return count

    def append(self, table: str, rows: Mapping[str, Sequence[Any]], schema: pa.Schema) -> None:
        """Write the rows of one batch as one new part; durable when this returns."""
        import pyarrow as pa

        self.reopen()
        index = self._parts(table)
        path = parts.place(self.root / table, self._next[table])
        self._next[table] += 1
        parts.write(path, pa.table({name: rows[name] for name in schema.names}, schema=schema))
        for batch_id in set(rows["batch_id"]):
            index.setdefault(batch_id, []).append(path)

    def sealed(self) -> bool:
        """Whether the run is sealed, or was before it was continued."""
        return any((self.root / name).exists() for name in (_SEAL, _WAS_SEALED))

    def compact(self) -> None:
        """Merge the parts of outputs and of each scorer's scores, where the run has no seal.

        A seal names its files, so from the first one on there are only more of them. A run
        that is kept elsewhere too is left as it is: there, nothing can be renamed at once.
        """
        if self.sealed() or durable.watcher_of(self.root):
            return
        for table in compaction.tables(self.root):
            if compaction.compact(self.root, table):
                self._index.pop(table, None)
                self._held = None

    def finished(self, table: str, fingerprint: str) -> Counter[str]:
        """How many rows of each batch need no second attempt, for one plug-in's fingerprint."""
        done: Counter[str] = Counter()
        names = ["batch_id", "status"]
        for part in self.scan(table, names, {fingerprint}):
            for row in part.group_by(names).aggregate([([], "count_all")]).to_pylist():
                if row["status"] != "error":
                    done[row["batch_id"]] += row["count_all"]
        return done

    def rows(self, table: str, batch_id: str, fingerprint: str) -> Iterator[dict[str, Any]]:
        """Rows of one batch, the last attempt of each case winning."""
        import pyarrow.compute as pc

        latest: dict[str, dict[str, Any]] = {}
        for path in self._parts(table).get(batch_id, []):
            part = self._part(path, batch_id)
            part = part.filter(pc.equal(part["fingerprint"], fingerprint))
            latest |= {row["case_id"]: row for row in part.to_pylist()}
        yield from latest.values()

    def _part(self, path: Path, batch_id: str) -> pa.Table:
        """What a part holds of one batch; one that holds several is kept for the next."""
        import pyarrow.compute as pc

        if self._held and self._held[0] == path:
            whole = self._held[1]
        else:
            whole = parts.read(path, None)
        found = whole.filter(pc.equal(whole["batch_id"], batch_id))
        if found.num_rows < whole.num_rows:
            self._held = (path, whole)
        return found

    def columns(
        self,
        table: str,
        columns: Sequence[str],
        fingerprints: Collection[str] | None = None,
        each: Callable[[pa.Table], pa.Table] = itself,
    ) -> pa.Table:
        """Some columns of a table, in the order written; of an empty one, columns of text.

        Args:
            table: `cases`, `outputs` or `scores/<scorer>`.
            columns: Their names.
            fingerprints: Keep only the rows of these plug-ins. An earlier version
                of a scorer may have left other columns in the same folder.
            each: What to make of each part as it is read, so that no more than
                is wanted of a long table is ever held.
        """
        import pyarrow as pa

        found = [each(part) for part in self.scan(table, columns, fingerprints)]
        if not found:
            return each(pa.schema([(name, pa.string()) for name in columns]).empty_table())
        return pa.concat_tables(found)

    def scan(
        self, table: str, columns: Sequence[str], fingerprints: Collection[str] | None = None
    ) -> Iterator[pa.Table]:
        """Read a table part by part, in the order written; of some plug-ins, where told."""
        for path in parts.paths(self.root / table):
            part = parts.read(path, list(columns), fingerprints)
            # Another version of a plug-in may have other columns, and no rows that are wanted.
            if part.num_rows or fingerprints is None:
                yield part

    def put(self, media: Media) -> tuple[str | None, str | None]:
        """Store a medium: (text, None) for text, (None, digest) for anything else."""
        if isinstance(media, str):
            return media, None
        data = pictures.encode(media)
        name = digests.of_bytes(data)
        target = self.root / "media" / name[:2] / name
        if not target.exists():
            durable.write(target, data)
        return None, name

    def get(self, output: Output) -> Media:
        """Load what an output holds.

        Raises:
            AlteredError: The stored bytes no longer match their name, or are no picture.
        """
        if output.media is None:
            return output.text or ""
        path = self.root / "media" / output.media[:2] / output.media
        data = path.read_bytes() if path.is_file() else b""
        if digests.of_bytes(data) != output.media:
            raise AlteredError("stored media was changed or lost", where=str(path))
        media = pictures.decode(data)
        if isinstance(media, Failure):
            raise AlteredError(f"stored media cannot be read: {media.reason}", where=str(path))
        return media

    def _parts(self, table: str) -> dict[str, list[Path]]:
        """Which parts hold each batch; read once, then kept up to date by `append`."""
        if table not in self._index:
            found: dict[str, list[Path]] = {}
            ordered = parts.paths(self.root / table)
            for path in ordered:
                for batch_id in parts.read(path, ["batch_id"])["batch_id"].unique().to_pylist():
                    found.setdefault(batch_id, []).append(path)
            self._index[table] = found
            self._next[table] = 1 + max(map(parts.number, ordered), default=-1)
        return self._index[table]


def _case_columns(cases: Sequence[Case]) -> dict[str, list[Any]]:
    texts = {id(case.params): case.params for case in cases}
    params = {key: digests.canonical(dict(value)).decode() for key, value in texts.items()}
    prompts = [case.prompt for case in cases]
    return {
        "case_id": [case.case_id for case in cases],
        "generator": [case.generator for case in cases],
        "strategy": [case.strategy for case in cases],
        "params": [params[id(case.params)] for case in cases],
        "prompt_id": [prompt.prompt_id for prompt in prompts],
        "prompt": [prompt.text for prompt in prompts],
        "system": [prompt.system for prompt in prompts],
        "reference": [prompt.reference for prompt in prompts],
        "tags": [sorted(prompt.tags.items()) for prompt in prompts],
        "repeat": [case.repeat for case in cases],
        "seed": [case.seed for case in cases],
    }
