"""A run's stored scores, laid out by slice against the rows that were planned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness import ids
from harness.engine import schemas
from harness.engine.features import Features, reference_features
from harness.engine.store import Store
from harness.flow.rows import ArmRows, places
from harness.protocols import Bound

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Part:
    """What one scorer says of one slice of one arm.

    `columns` hold the scored rows; `clusters` int64 [n] and `missing` int64 [m]
    say which cluster each scored row, and each planned row without a score, is of.
    `scored` bool [n + m] is in plan order, beside `planned` int64 [n + m].
    """

    columns: dict[str, Any]
    clusters: NDArray[np.int64]
    missing: NDArray[np.int64]
    scored: NDArray[np.bool_]
    planned: NDArray[np.int64]


class Scores:
    """The finished readings of one scorer in one run, read once."""

    def __init__(
        self, store: Store, scorer: Bound, only: Collection[str] | None = None
    ) -> None:
        import pyarrow.compute as pc

        self._kinds = {
            name: kind
            for name, kind in scorer.plugin.columns.items()
            if only is None or name in only
        }
        names = ["output_id", *(f"value_{name}" for name in self._kinds)]

        def fine(part: pa.Table) -> pa.Table:
            part = part.filter(pc.equal(part["status"], "ok"))
            return ids.pack(part.select(names), "output_id")

        place, wanted = f"scores/{scorer.name}", [*names, "status"]
        table = store.columns(place, wanted, {scorer.fingerprint}, each=fine)
        if table.num_rows == 0:
            typed = schemas.scores(scorer.plugin.columns).empty_table().select(names)
            table = ids.pack(typed, "output_id")
        self._table = table
        self._features = {
            name: Features(store, encoder)
            for name, encoder in scorer.encoders.items()
            if any(_encoder_of(column) == name for column in self._vectors())
        }
        self._references = {
            name: reference_features(store, one, scorer.encoders[one.encoder]).matrix
            for name, one in scorer.references.items()
        }

    def parts(
        self, arm: ArmRows, labels: Collection[str] | None = None
    ) -> Iterator[tuple[str, Part]]:
        """Each slice of an arm with its rows; of some slices only, where told which."""
        place = places(self._table["output_id"], arm.output_ids)
        scored, values = place >= 0, self._table.drop_columns(["output_id"])
        for label, mask in arm.slices.items():
            if labels is None or label in labels:
                rows = _where(place, mask & scored)
                yield (
                    label,
                    Part(
                        columns=self._read(values.take(rows)),
                        clusters=_where(arm.clusters, mask & scored),
                        missing=arm.clusters[mask & ~scored],
                        scored=_where(scored, mask),
                        planned=_where(arm.clusters, mask),
                    ),
                )

    def _read(self, table: pa.Table) -> dict[str, Any]:
        plain = {n: kind for n, kind in self._kinds.items() if kind != "features"}
        columns = _columns(table, plain)
        for name in self._vectors():
            columns[name] = self._features[_encoder_of(name)].of(table[f"value_{name}"])
        return {**columns, **self._references}

    def _vectors(self) -> list[str]:
        return [name for name, kind in self._kinds.items() if kind == "features"]


def _where(values: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """Some of an array; itself, and no copy, where it is all of it."""
    return values if mask.all() else values[mask]


def _encoder_of(column: str) -> str:
    """The encoder a column of vectors is named by; `<name>:prompt` holds those of prompts."""
    return column.partition(":")[0]


def _columns(table: pa.Table, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Stored columns as what estimators take: arrays of numbers, lists of texts and arrays."""
    import numpy as np

    plain = {"bool": np.bool_, "int": np.int64, "float": np.float64}
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        column = table[f"value_{name}"].combine_chunks()
        if kind in plain:
            columns[name] = column.to_numpy(zero_copy_only=False).astype(
                plain[kind], copy=False
            )
        elif kind == "text":
            columns[name] = column.to_pylist()
        else:
            flat = column.flatten().to_numpy(zero_copy_only=False)
            columns[name] = (
                np.split(flat, np.cumsum(column.value_lengths().to_numpy())[:-1])
                if len(column)
                else []
            )
    return columns
