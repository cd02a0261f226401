"""Merge the many small parts of a table into few large ones, at no moment losing the table.

A part a batch makes 31,000 files of a million rows. The new table is built beside the old
one, in `.compacting/building`, and moved to `.compacting/whole` once it is all on disk: from
then on it counts. Then the old table moves out of the way, and the new one into its place.
Whatever instruction a process dies at, `mend` finishes the move or forgets the building.

Left out are failures that a later attempt at the same case, in the same batch, took back.
Nothing else is: a row that should not be there has to be found by whoever verifies the run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import durable
from harness.engine import parts
from harness.errors import AlteredError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS, FEW = 16_384, 8
"""How many rows make a part, and how many parts beyond the fewest are no burden."""
_BYTES = 64 * 2**20
_WORK, _BUILDING, _WHOLE, _OLD = ".compacting", "building", "whole", "old"
_Key = tuple[str, str]


def tables(root: Path) -> list[str]:
    """The tables that are merged: outputs, and each scorer's scores."""
    found = [path for path in (root / "outputs", *(root / "scores").glob("*")) if path.is_dir()]
    return sorted(path.relative_to(root).as_posix() for path in found)


def compact(root: Path, table: str) -> bool:
    """Merge the parts of a table, if they are many. The run is locked, and not yet sealed.

    Rows keep the order in which their batches were first written, which is the plan's: a
    run that was stopped and taken up again has the parts of one that was not.

    Args:
        root: The run's folder.
        table: `outputs` or `scores/<scorer>`.

    Returns:
        Whether anything was merged.

    Raises:
        AlteredError: A part cannot be read.
    """
    found = parts.paths(root / table)
    if len(found) <= FEW:
        return False
    where, rows = _batches(found)
    if len(found) <= FEW + rows // ROWS:
        return False
    building = root / _WORK / _BUILDING / table
    for index, merged in enumerate(_merged(where)):
        parts.write(parts.place(building, index), merged)
    _move(building, root / _WORK / _WHOLE / table, root)
    mend(root)
    return True


def mend(root: Path) -> None:
    """Finish each move that was begun, and forget what was only being built."""
    work = root / _WORK
    if not work.is_dir():
        return
    for table in tables(work / _WHOLE):
        if (root / table).is_dir():
            _move(root / table, work / _OLD / table, root)
        _move(work / _WHOLE / table, root / table, root)
    shutil.rmtree(work)


def _batches(found: Sequence[Path]) -> tuple[dict[_Key, list[Path]], int]:
    """Which parts hold each plug-in's batches, one plug-in after the other; and all rows."""
    by_plugin: dict[str, dict[_Key, list[Path]]] = {}
    rows = 0
    for path in found:
        part = parts.read(path, ["fingerprint", "batch_id"])
        rows += part.num_rows
        for key in dict.fromkeys(zip(*(c.to_pylist() for c in part.columns), strict=True)):
            by_plugin.setdefault(key[0], {}).setdefault(key, []).append(path)
    return {key: where for group in by_plugin.values() for key, where in group.items()}, rows


def _merged(where: dict[_Key, list[Path]]) -> Iterator[pa.Table]:
    """The table in large parts; each holds whole batches, and rows of one plug-in."""
    import pyarrow as pa

    held: list[pa.Table] = []
    plugin = ""
    for (fingerprint, _), batch in _read_batches(where):
        if held and (fingerprint != plugin or _full(held) or batch.schema != held[0].schema):
            yield pa.concat_tables(held).combine_chunks()
            held = []
        plugin = fingerprint
        held.append(batch)
    if held:
        yield pa.concat_tables(held).combine_chunks()


def _full(held: Sequence[pa.Table]) -> bool:
    rows, size = (sum(getattr(one, name) for one in held) for name in ("num_rows", "nbytes"))
    return bool(rows >= ROWS or size >= _BYTES)


def _read_batches(where: dict[_Key, list[Path]]) -> Iterator[tuple[_Key, pa.Table]]:
    """Each batch with all its rows; a part of several batches is read once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    held: tuple[Path, pa.Table] | None = None
    for key, paths in where.items():
        found = []
        for path in paths:
            if held is None or held[0] != path:
                held = (path, parts.read(path, None))
            part = held[1]
            same = pc.and_(
                pc.equal(part["fingerprint"], key[0]), pc.equal(part["batch_id"], key[1])
            )
            found.append(part.filter(same))
        if len({part.schema for part in found}) > 1:
            raise AlteredError(
                "parts of one batch differ in their columns", where=str(paths[-1])
            )
        yield key, _last(pa.concat_tables(found))


def _last(batch: pa.Table) -> pa.Table:
    """Put the last attempt at a case in the place of the failures that went before it."""
    cases, states = batch["case_id"].to_pylist(), batch["status"].to_pylist()
    rows: dict[str, list[int]] = {}
    for row, case in enumerate(cases):
        kept = rows.setdefault(case, [])
        if kept and states[kept[-1]] == "error":
            kept.pop()
        kept.append(row)
    order = [row for kept in rows.values() for row in kept]
    return batch if order == list(range(len(cases))) else batch.take(order)


def _move(source: Path, target: Path, root: Path) -> None:
    """Rename a folder within a run, for good: no crash of the machine takes it back."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _flush(target.parent, root)
    source.rename(target)
    _flush(target.parent, root)
    _flush(source.parent, root)


def _flush(folder: Path, root: Path) -> None:
    """Flush a folder's names to disk, and those of the folders it lies in."""
    inside = folder.relative_to(root).parts
    for depth in range(len(inside), -1, -1):
        durable.flush(root.joinpath(*inside[:depth]))
