"""What a run planned, by arm and slice: the rows that stored scores are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import ids
from harness.engine import identity
from harness.engine.store import Store, itself

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
    such units in order; `ArmUnits` names them. `slices` are masks bool [n] by label.
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


def arm_rows(store: Store, key: ArmKey, *, cluster_by: str = BY_PROMPT) -> ArmRows:
    """Lay out what one arm was asked; see `named_rows`."""
    return named_rows(store, key, cluster_by=cluster_by)[0]


def named_rows(
    store: Store, key: ArmKey, *, cluster_by: str = BY_PROMPT, only: pa.Array | None = None
) -> tuple[ArmRows, ArmUnits]:
    """Lay out what one arm was asked, and name what its cases are cases of.

    Args:
        store: The run.
        key: The arm.
        cluster_by: `prompt_id`, or a tag whose values are the independent units;
            a prompt without that tag is a unit of its own.
        only: Packed prompt ids to keep; all when left out.
    """
    import pyarrow.compute as pc

    table = planned_of(store, key, ("prompt_id", "tags"), each=packed_prompts)
    if only is not None:
        table = table.filter(pc.is_in(table["prompt_id"], only))
    units = _units(table, cluster_by)
    rows = ArmRows(
        key=key,
        output_ids=table["output_id"],
        clusters=_ranks(units),
        slices=_slices(table["tags"]),
    )
    return rows, ArmUnits(table["prompt_id"], units)


def packed_prompts(part: pa.Table) -> pa.Table:
    """A part of the cases, with its prompts' ids packed."""
    return ids.pack(part, "prompt_id")


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
