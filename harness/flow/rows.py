"""A run's stored scores, laid out by arm and slice against what was planned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness import ids
from harness.engine import identity, schemas
from harness.engine.features import Features, reference_features
from harness.engine.store import Store, itself
from harness.protocols import Bound

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BY_PROMPT = "prompt_id"


@dataclass(frozen=True, slots=True)
class ArmKey:
    """Names and fingerprint of one generator under one strategy, as the manifest holds them."""

    generator: str
    strategy: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ArmRows:
    """The planned cases of one arm: output ids in plan order, and what each belongs to.

    Ids are packed. `clusters` int64 [n] number what is independent, by its place among all
    such units in order; `arm_units` names them. `slices` are masks bool [n] by label.
    """

    key: ArmKey
    output_ids: pa.ChunkedArray
    clusters: NDArray[np.int64]
    slices: Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class ArmUnits:
    """Of each planned case of an arm, in plan order: its packed prompt id, and its unit.

    A unit is what is independent: the prompt's id, or the text `tag=value`.
    """

    prompts: pa.ChunkedArray
    units: pa.ChunkedArray

    @property
    def labels(self) -> pa.Array:
        """The distinct units, in order."""
        import pyarrow.compute as pc

        distinct = pc.unique(self.units)
        return distinct.take(pc.sort_indices(distinct))


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


def arm_rows(
    store: Store, key: ArmKey, *, cluster_by: str = BY_PROMPT, only: pa.Array | None = None
) -> ArmRows:
    """Lay out what one arm was asked.

    Args:
        store: The run.
        key: The arm.
        cluster_by: `prompt_id`, or a tag whose values are the independent units;
            a prompt without that tag is a unit of its own.
        only: Packed prompt ids to keep; all when left out.
    """
    table = _asked(store, key, only)
    return ArmRows(
        key=key,
        output_ids=table["output_id"],
        clusters=_ranks(_units(table, cluster_by)),
        slices=_slices(table["tags"]),
    )


def arm_units(
    store: Store, key: ArmKey, *, cluster_by: str = BY_PROMPT, only: pa.Array | None = None
) -> ArmUnits:
    """Name what the cases of one arm are cases of; see `arm_rows`."""
    table = _asked(store, key, only)
    return ArmUnits(table["prompt_id"], _units(table, cluster_by))


def _asked(store: Store, key: ArmKey, only: pa.Array | None) -> pa.Table:
    import pyarrow.compute as pc

    table = planned_of(store, key, ("prompt_id", "tags"), each=packed_prompts)
    return table if only is None else table.filter(pc.is_in(table["prompt_id"], only))


def packed_prompts(part: pa.Table) -> pa.Table:
    """A part of the cases, with its prompts' ids packed."""
    prompts = ids.packed(part["prompt_id"].to_pylist())
    return part.set_column(part.schema.get_field_index("prompt_id"), "prompt_id", prompts)


def planned_of(
    store: Store,
    key: ArmKey,
    names: Sequence[str] = (),
    each: Callable[[pa.Table], pa.Table] = itself,
) -> pa.Table:
    """The planned cases of an arm, in plan order, each with the output it has to have.

    Args:
        store: The run.
        key: The arm.
        names: What else is wanted of each case.
        each: What to make of each part of the table, as it is read.

    Returns:
        `names` and `output_id`, packed.
    """
    import pyarrow.compute as pc

    def own(part: pa.Table) -> pa.Table:
        mine = pc.and_(
            pc.equal(part["generator"], key.generator), pc.equal(part["strategy"], key.strategy)
        )
        part = part.filter(mine)
        outputs = (identity.output_id(c, key.fingerprint) for c in part["case_id"].to_pylist())
        named = part.append_column("output_id", ids.packed(outputs))
        return each(named.select([*names, "output_id"]))

    wanted = dict.fromkeys(("case_id", "generator", "strategy", *names))
    return store.columns("cases", list(wanted), each=own)


def _units(table: pa.Table, cluster_by: str) -> pa.ChunkedArray:
    """What each case is a case of: its prompt, or its value of a tag."""
    import pyarrow as pa

    prompts = table["prompt_id"]
    if cluster_by == BY_PROMPT:
        return prompts
    of_tag = (dict(row or ()).get(cluster_by) for row in table["tags"].to_pylist())
    names = [
        name.hex() if tag is None else f"{cluster_by}={tag}"
        for name, tag in zip(prompts.to_pylist(), of_tag, strict=True)
    ]
    return pa.chunked_array([pa.array(names, pa.string())])


def _ranks(units: pa.ChunkedArray) -> NDArray[np.int64]:
    """Each one's place among the distinct ones in order."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    ranks = np.empty(len(units), dtype=np.int64)
    if pa.types.is_fixed_size_binary(units.type):
        order, new = ids.in_order(ids.numbers(units))
        ranks[order] = np.cumsum(new) - 1
        return ranks
    coded = units.combine_chunks().dictionary_encode()
    ranks[pc.sort_indices(coded.dictionary).to_numpy()] = np.arange(len(coded.dictionary))
    return np.asarray(ranks[coded.indices.to_numpy()], dtype=np.int64)


def places(stored: pa.ChunkedArray, wanted: pa.ChunkedArray) -> NDArray[np.int64]:
    """Where each of some packed ids is stored, for the last time; below 0 where it is not."""
    import numpy as np
    import pyarrow.compute as pc

    if stored.equals(wanted):  # most often
        return np.arange(len(stored))
    last = len(stored) - 1
    found = pc.index_in(wanted, stored.take(np.arange(len(stored))[::-1]))
    return np.asarray(last - pc.fill_null(found, last + 1).to_numpy(), dtype=np.int64)


def _slices(tags: pa.ChunkedArray) -> dict[str, NDArray[np.bool_]]:
    """Which cases carry each tag: a mask for `all`, then one for each `key=value`."""
    import numpy as np
    import pyarrow.compute as pc

    size = len(tags)
    masks = {"all": np.ones(size, dtype=np.bool_)}
    rows = tags.combine_chunks()
    if size == 0 or len(rows.keys) == 0:
        return masks
    pairs = pc.binary_join_element_wise(rows.keys, rows.items, "=").dictionary_encode()
    owner = np.repeat(np.arange(size), np.diff(rows.offsets.to_numpy()))
    codes = pairs.indices.to_numpy()
    for label, code in sorted((str(name), i) for i, name in enumerate(pairs.dictionary)):
        masks[label] = np.zeros(size, dtype=np.bool_)
        masks[label][owner[codes == code]] = True
    return masks


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
            part = part.filter(pc.equal(part["status"], "ok")).select(names)
            return part.set_column(0, "output_id", ids.packed(part[0].to_pylist()))

        place, wanted = f"scores/{scorer.name}", [*names, "status"]
        table = store.columns(place, wanted, {scorer.fingerprint}, each=fine)
        if table.num_rows == 0:
            typed = schemas.scores(scorer.plugin.columns).empty_table().select(names)
            table = typed.set_column(0, "output_id", ids.packed(()))
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
