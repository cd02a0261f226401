"""Scores to metrics: one number, its bounds and one denominator per arm and slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.engine import identity, schemas
from harness.engine.store import Store
from harness.metrics.estimate import METHODS, Estimate, estimate
from harness.protocols import Bound, MetricDef, Proportion
from harness.records import Metric

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_COVERAGE = MetricDef(kind=Proportion("scored"), unit="share", better="higher")


@dataclass(frozen=True, slots=True)
class ArmKey:
    """Names and fingerprint of one generator under one strategy, as the manifest holds them."""

    generator: str
    strategy: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Arm:
    """The planned cases of one arm: ids in plan order, and the prompt each belongs to."""

    key: ArmKey
    output_ids: pa.Array
    prompts: NDArray[np.int64]
    slices: Mapping[str, NDArray[np.bool_]]


def aggregate(
    store: Store,
    arms: Sequence[ArmKey],
    scorers: Sequence[Bound],
    confidences: Sequence[float],
) -> tuple[Metric, ...]:
    """Sum every scorer's readings up, for each arm, slice and confidence asked for.

    The denominator is the plan, not the rows that happen to exist: a planned
    case without a score is missing in every slice it belongs to.

    Args:
        store: A run whose scores are stored.
        arms: The arms to sum up.
        scorers: The scorers, not entered: only their metrics are asked.
        confidences: Confidence of each one-sided bound.
    """
    planned = [_arm(store, key) for key in arms]
    return tuple(
        metric
        for scorer in scorers
        for metric in _of_scorer(store, planned, scorer, confidences)
    )


def _arm(store: Store, key: ArmKey) -> _Arm:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    table = store.columns("cases", ["case_id", "generator", "strategy", "prompt_id", "tags"])
    own = pc.and_(
        pc.equal(table["generator"], key.generator), pc.equal(table["strategy"], key.strategy)
    )
    table = table.filter(own)
    ids = [identity.output_id(case, key.fingerprint) for case in table["case_id"].to_pylist()]
    prompts = pc.rank(table["prompt_id"], tiebreaker="dense").to_numpy().astype(np.int64)
    return _Arm(key, pa.array(ids, pa.string()), prompts, _slices(table["tags"]))


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


def _of_scorer(
    store: Store, arms: Sequence[_Arm], scorer: Bound, confidences: Sequence[float]
) -> Iterator[Metric]:
    import pyarrow.compute as pc

    plugin = scorer.plugin
    names = [
        "output_id",
        "status",
        *(f"value_{name}" for name in plugin.columns),
    ]
    table = store.columns(f"scores/{scorer.name}", names, {scorer.fingerprint})
    table = table.filter(pc.equal(table["status"], "ok"))
    if table.num_rows == 0:
        table = schemas.scores(plugin.columns).empty_table().select(names)
    for arm in arms:
        place = pc.index_in(arm.output_ids, table["output_id"]).to_numpy(zero_copy_only=False)
        for confidence in confidences:
            yield from _of_arm(arm, table, place, scorer, confidence)


def _of_arm(
    arm: _Arm, table: pa.Table, place: NDArray[np.float64], scorer: Bound, confidence: float
) -> Iterator[Metric]:
    import numpy as np

    scored = np.isfinite(place.astype(np.float64))
    for label, mask in arm.slices.items():
        rows = place[mask & scored].astype(np.int64)
        columns = _columns(table.take(rows), scorer.plugin.columns)
        clusters, missing = arm.prompts[mask & scored], arm.prompts[mask & ~scored]
        for name, definition in scorer.plugin.metrics.items():
            result = estimate(
                definition, columns, clusters, missing=missing, confidence=confidence
            )
            yield _metric(arm.key, label, scorer, (name, definition), (result, confidence))
        covered = estimate(
            _COVERAGE, {"scored": scored[mask]}, arm.prompts[mask],
            missing=np.empty(0, dtype=np.int64), confidence=confidence,
        )  # fmt: skip
        yield _metric(arm.key, label, scorer, ("coverage", _COVERAGE), (covered, confidence))


def _columns(table: pa.Table, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Stored columns as what estimators take: arrays of numbers, lists of texts and arrays."""
    import numpy as np

    plain = {"bool": np.bool_, "int": np.int64, "float": np.float64}
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        column = table[f"value_{name}"].combine_chunks()
        if kind in plain:
            columns[name] = column.to_numpy(zero_copy_only=False).astype(plain[kind])
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


def _metric(
    key: ArmKey,
    label: str,
    scorer: Bound,
    defined: tuple[str, MetricDef],
    result: tuple[Estimate, float],
) -> Metric:
    (name, definition), (found, confidence) = defined, result
    kind = type(definition.kind).__name__
    return Metric(
        generator=key.generator,
        strategy=key.strategy,
        slice=label,
        name=f"{scorer.name}.{name}",
        value=found.value,
        low=found.low,
        high=found.high,
        confidence=confidence,
        n=found.n,
        missing=found.missing,
        clusters=found.clusters,
        kind=kind,
        unit=definition.unit,
        better=definition.better,
        signature=f"{scorer.use}.{name}|v:{definition.version}|by:{kind}"
        f"|interval:{METHODS[type(definition.kind)]}|scorer:{scorer.fingerprint[:12]}"
        f"|n:{found.n}|c:{confidence}",
        design_effect=found.design_effect,
        cause=found.cause,
    )
