"""The files of a run that go to MLflow, gathered in one folder; generated text is masked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.ledger.seal import SEAL
from harness.metrics.pii.mask import mask, mask_all

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = (
    "report.html", "report.md", "report.json", "junit.xml", "decision.json", "metrics.parquet",
    "manifest.json", "environment.json", SEAL,
)  # fmt: skip
_MASKED = frozenset({"prompt", "system", "reference", "text", "error"})


def gather(root: Path, target: Path) -> None:
    """Fill `target` with the reports, the decision, the digests and the tables of a run.

    Each table becomes one file, its parts in order. Personal data and secrets
    in prompts, outputs and reasons are replaced by their type; scorers' own
    texts, tags and token ids are left out, and so is media: those stay in the
    run's folder, which is the only place for what was said in the raw.

    Args:
        root: The run's folder.
        target: An existing, empty folder.
    """
    for name in WHOLE:
        if (root / name).is_file():
            shutil.copyfile(root / name, target / name)
    for name in ("suite.json", "policy.json"):
        if (root / name).is_file():
            _copy_masked(root / name, target / name)
    for table in ("cases", "outputs"):
        _join(root / table, target / f"{table}.parquet")
    for folder in sorted((root / "scores").glob("*/")):
        _join(folder, target / "scores" / f"{folder.name}.parquet")


def _copy_masked(source: Path, target: Path) -> None:
    """Copy what a person wrote; personal data in prompts and reasons is masked."""
    value = mask_all(json.loads(source.read_bytes()))
    target.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")


def _join(folder: Path, target: Path) -> None:
    """Write a table's parts to one file, a part at a time."""
    import pyarrow.parquet as pq

    writer: Any = None
    for table in _parts(folder):
        if writer is None:
            target.parent.mkdir(exist_ok=True)
            writer = pq.ParquetWriter(target, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _parts(folder: Path) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("part-*.parquet")):
        with pq.ParquetFile(path) as file:
            table = file.read()
        yield _masked(table.select([name for name in table.column_names if _kept(table, name)]))


def _kept(table: pa.Table, name: str) -> bool:
    """Leave out what may spell a text in a form that `mask` cannot read."""
    import pyarrow as pa

    kind = table.schema.field(name).type
    nested = pa.types.is_nested(kind) and not pa.types.is_floating(
        getattr(kind, "value_type", kind)
    )
    return not nested and not (name.startswith("value_") and pa.types.is_string(kind))


def _masked(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    for place, name in enumerate(table.column_names):
        if name in _MASKED:
            texts = table.column(name).to_pylist()
            safe = {text: mask(text) for text in set(texts) if text is not None}
            column = pa.array([safe.get(text) for text in texts], pa.string())
            table = table.set_column(place, name, column)
    return table
