"""Outputs to scores: let each scorer read what it has not read yet."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from harness.engine import identity, schemas
from harness.engine.features import key_of, text_key
from harness.engine.store import Store
from harness.engine.texts import storable_reason
from harness.flow.controls import misread, plant
from harness.flow.encode import Vectors, encode_outputs, encode_reference
from harness.flow.executors import executor_of
from harness.flow.plan import Arm, Batch, Plan
from harness.flow.progress import Progress
from harness.flow.readings import checked
from harness.flow.reference import bring
from harness.flow.units import by_unit
from harness.protocols import Bound, Crew, Executor
from harness.records import Case, Failure, Output, Reading, Sample

_OUTPUT_FIELDS = tuple(field.name for field in dataclasses.fields(Output))


def score(
    plan: Plan, scorer: Bound, store: Store, executor: Executor, progress: Progress
) -> None:
    """Read and store every finished output this scorer has no score for, arm by arm."""
    table = f"scores/{scorer.name}"
    done = store.finished(table, scorer.fingerprint)
    units = (unit for arm in plan.arms for unit in _units(plan, arm, scorer, store, done))
    first = next(units, None)
    if first is None:
        return
    _encode(plan, scorer, store, executor, progress)
    planted = plant(scorer, store, executor)
    vectors = Vectors(store, scorer)
    progress.begin(f"score {scorer.name}", plan.size, _already(plan, done))
    # What has no weights is not worth sending its references for.
    where = executor if scorer.plugin.weights else executor_of()
    with where.opened(scorer.plugin) as crew:
        broken = misread(scorer, planted, vectors, crew)
        for unit, readings in _read(scorer, chain([first], units), crew, vectors, broken):
            rows = _rows(unit, readings, scorer)
            store.append(table, rows, schemas.scores(scorer.plugin.columns))
            failed = sum(isinstance(reading, Failure) for reading in readings)
            progress.advance(len(readings), failed)


def _encode(
    plan: Plan, scorer: Bound, store: Store, executor: Executor, progress: Progress
) -> None:
    """Make what the scorer's encoders have to say of the outputs, and of its references."""
    encode_outputs(plan, scorer, store, executor, progress)
    for reference in getattr(scorer.plugin, "references", {}).values():
        encoder = scorer.encoders[reference.encoder]
        bring(reference, encoder, store)
        encode_reference(reference, encoder, store, executor, progress)


@dataclasses.dataclass(frozen=True, slots=True)
class _Unit:
    """The unread outputs of one batch of one generator: scored and committed together."""

    unit_id: str
    samples: tuple[Sample, ...]
    alone: bool


def _already(plan: Plan, done: Counter[str]) -> int:
    if not done:
        return 0
    return sum(
        done[identity.unit_id(batch.batch_id, arm.generator.fingerprint)]
        for arm in plan.arms
        for batch in plan.batches(arm)
    )


def _units(
    plan: Plan, arm: Arm, scorer: Bound, store: Store, done: Counter[str]
) -> Iterator[_Unit]:
    if arm.generator.plugin.modality not in scorer.plugin.accepts:
        return
    for batch in plan.batches(arm):
        outputs = _answered(batch, arm, store)
        unit_id = identity.unit_id(batch.batch_id, arm.generator.fingerprint)
        finished = done[unit_id]
        if finished >= len(outputs):
            continue
        read: set[str] = set()
        if finished:
            rows = store.rows(f"scores/{scorer.name}", unit_id, scorer.fingerprint)
            read = {row["output_id"] for row in rows if row["status"] != "error"}
        samples = tuple(
            _sample(case, outputs[case.case_id], store)
            for case in batch.cases
            if case.case_id in outputs and outputs[case.case_id].output_id not in read
        )
        yield _Unit(unit_id, samples, alone=finished > 0)


def _answered(batch: Batch, arm: Arm, store: Store) -> dict[str, Output]:
    """The batch's outputs by case, as this very generator made them."""
    rows = store.rows("outputs", batch.batch_id, arm.generator.fingerprint)
    return {
        row["case_id"]: Output(**{name: row[name] for name in _OUTPUT_FIELDS})
        for row in rows
        if row["status"] == "ok"
    }


def _sample(case: Case, output: Output, store: Store) -> Sample:
    return Sample(case=case, output=output, media=store.get(output))


def _read(
    scorer: Bound, units: Iterable[_Unit], crew: Crew, vectors: Vectors, broken: str
) -> Iterator[tuple[_Unit, list[Reading | Failure]]]:
    """Let a scorer read each unit; nothing is shown to one that misread what was planted."""
    if broken:
        for unit in units:
            yield unit, [Failure(broken)] * len(unit.samples)
        return
    kinds = _read_by_scorer(scorer.plugin.columns)
    shown = (_shown(unit, vectors, scorer.plugin.batch) for unit in units)
    for (unit, missing), calls in by_unit(crew, "score", shown):
        found = (checked(result, kinds) for call in calls for result in call.results)
        yield unit, [lost or next(found) for lost in missing]


def _shown(
    unit: _Unit, vectors: Vectors, size: int
) -> tuple[tuple[_Unit, list[Failure | None]], list[list[Sample]]]:
    """Cut a unit into calls; what has no vector that it needs is a failure, and not shown."""
    missing = [vectors.missing(sample) for sample in unit.samples]
    pairs = zip(unit.samples, missing, strict=True)
    whole = [vectors.shown(sample) for sample, lost in pairs if lost is None]
    step = 1 if unit.alone else size
    return (unit, missing), [whole[i : i + step] for i in range(0, len(whole), step)]


def _read_by_scorer(columns: Mapping[str, str]) -> dict[str, str]:
    """The columns that a scorer fills itself; those of vectors are filled here."""
    return {name: kind for name, kind in columns.items() if kind != "features"}


def _rows(
    unit: _Unit, readings: Sequence[Reading | Failure], scorer: Bound
) -> dict[str, list[Any]]:
    bad = [reading if isinstance(reading, Failure) else None for reading in readings]
    outputs = [sample.output for sample in unit.samples]
    fixed: dict[str, list[Any]] = {
        "score_id": [identity.score_id(o.output_id, scorer.fingerprint) for o in outputs],
        "output_id": [o.output_id for o in outputs],
        "case_id": [o.case_id for o in outputs],
        "batch_id": [unit.unit_id] * len(outputs),
        "fingerprint": [scorer.fingerprint] * len(outputs),
        "status": [failure.status if failure else "ok" for failure in bad],
        "error": [storable_reason(failure.reason) if failure else None for failure in bad],
    }
    own = {
        f"value_{name}": [None if isinstance(r, Failure) else r[name] for r in readings]
        for name in _read_by_scorer(scorer.plugin.columns)
    }
    keys = {
        f"value_{name}": [
            None if failed else _key(name, sample)
            for sample, failed in zip(unit.samples, bad, strict=True)
        ]
        for name, kind in scorer.plugin.columns.items()
        if kind == "features"
    }
    return fixed | own | keys


def _key(column: str, sample: Sample) -> str:
    """What a column of vectors stores: the digest of the output, or of its prompt."""
    return text_key(sample.case.prompt.text) if ":" in column else key_of(sample.output)
