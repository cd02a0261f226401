"""Outputs to scores: let each scorer read what it has not read yet."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import digests
from harness.engine import schemas
from harness.engine.store import Store
from harness.flow.plan import Arm, Plan
from harness.flow.progress import Progress
from harness.protocols import Bound, Executor, Scorer
from harness.records import Case, Failure, Output, Prompt, Reading, Sample

_OUTPUT_FIELDS = tuple(field.name for field in dataclasses.fields(Output))


def score(
    plan: Plan, scorer: Bound, store: Store, executor: Executor, progress: Progress
) -> None:
    """Read and store every finished output this scorer has no score for, arm by arm."""
    table = f"scores/{scorer.name}"
    done = store.finished(table, scorer.fingerprint)
    units = (unit for arm in plan.arms for unit in _units(plan, arm, scorer, store, done))
    progress.begin(f"score {scorer.name}", plan.size, sum(done.values()))
    first = next(units, None)
    if first is None:
        return
    with scorer.plugin as reader:
        broken = _broken_control(reader, executor)
        unit: _Unit | None = first
        while unit is not None:
            results = (
                _read(reader, unit, executor)
                if not broken
                else [Failure(broken)] * len(unit.samples)
            )
            rows = _rows(unit, results, scorer)
            store.append(table, rows, schemas.scores(reader.columns))
            progress.advance(len(results), sum(status != "ok" for status in rows["status"]))
            unit = next(units, None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Unit:
    """The unread outputs of one generation batch: what is scored and committed together."""

    batch_id: str
    samples: tuple[Sample, ...]
    alone: bool


def _units(
    plan: Plan, arm: Arm, scorer: Bound, store: Store, done: Mapping[str, int]
) -> Iterator[_Unit]:
    for batch in plan.batches(arm):
        outputs = {
            row["case_id"]: Output(**{name: row[name] for name in _OUTPUT_FIELDS})
            for row in store.rows("outputs", batch.batch_id, arm.generator.fingerprint)
            if row["status"] == "ok"
        }
        finished = done.get(batch.batch_id, 0)
        if finished >= len(outputs):
            continue
        read: set[str] = set()
        if finished:
            rows = store.rows(f"scores/{scorer.name}", batch.batch_id, scorer.fingerprint)
            read = {row["case_id"] for row in rows if row["status"] != "error"}
        samples = tuple(
            _sample(case, outputs[case.case_id], store)
            for case in batch.cases
            if case.case_id in outputs and case.case_id not in read
        )
        if samples and arm.generator.plugin.modality in scorer.plugin.accepts:
            yield _Unit(batch.batch_id, samples, alone=finished > 0)


def _sample(case: Case, output: Output, store: Store) -> Sample:
    return Sample(case=case, output=output, media=store.get(output))


def _read(reader: Scorer, unit: _Unit, executor: Executor) -> list[Reading | Failure]:
    size = 1 if unit.alone else reader.batch
    cuts = (unit.samples[i : i + size] for i in range(0, len(unit.samples), size))
    return [item for _, results, _ in executor.map(reader.score, cuts) for item in results]


def _broken_control(reader: Scorer, executor: Executor) -> str:
    """Score the planted items; say which one the scorer misread, or nothing."""
    if not reader.controls:
        return ""
    samples = [_planted(control.text) for control in reader.controls]
    for _, results, _ in executor.map(reader.score, iter([samples])):
        for control, result in zip(reader.controls, results, strict=True):
            if isinstance(result, Failure):
                return f"a planted item could not be scored: {result.reason}"
            if result.get(control.column) is not control.expected:
                return f"a planted item was misread: {control.column} is not {control.expected}"
    return ""


def _planted(text: str) -> Sample:
    prompt = Prompt(prompt_id="control", text="")
    case = Case(
        case_id="control", generator="", strategy="", params={}, prompt=prompt, repeat=0, seed=0
    )
    output = Output(
        output_id="control",
        case_id="control",
        batch_id="",
        fingerprint="",
        status="ok",
        text=text,
    )
    return Sample(case=case, output=output, media=text)


def _rows(
    unit: _Unit, results: Sequence[Reading | Failure], scorer: Bound
) -> dict[str, list[Any]]:
    columns: Mapping[str, str] = scorer.plugin.columns
    readings = [_checked(result, columns) for result in results]
    bad = [reading if isinstance(reading, Failure) else None for reading in readings]
    outputs = [sample.output for sample in unit.samples]
    fixed: dict[str, list[Any]] = {
        "score_id": [digests.of_json([o.output_id, scorer.fingerprint]) for o in outputs],
        "output_id": [o.output_id for o in outputs],
        "case_id": [o.case_id for o in outputs],
        "batch_id": [unit.batch_id] * len(outputs),
        "fingerprint": [scorer.fingerprint] * len(outputs),
        "status": [failure.status if failure else "ok" for failure in bad],
        "error": [failure.reason if failure else None for failure in bad],
    }
    own = {
        f"value_{name}": [None if isinstance(r, Failure) else r[name] for r in readings]
        for name in columns
    }
    return fixed | own


def _checked(result: Reading | Failure, columns: Mapping[str, str]) -> Reading | Failure:
    """Refuse a reading that lacks a column, adds one, or holds a number that is not finite."""
    if isinstance(result, Failure):
        return result
    if result.keys() != columns.keys():
        odd = sorted(result.keys() ^ columns.keys())
        return Failure(f"the reading's columns differ from those declared: {', '.join(odd)}")
    for name, kind in columns.items():
        if not _fits(result[name], kind):
            return Failure(f"column {name} holds no finite {kind}: {str(result[name])[:40]}")
    return result


def _fits(value: object, kind: str) -> bool:
    if kind in ("ints", "floats"):
        items = (
            list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [None]
        )
        return all(_fits(item, kind[:-1]) for item in items)
    if kind == "text":
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return False
    return math.isfinite(float(value)) and (kind == "float" or float(value).is_integer())
