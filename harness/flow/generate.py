"""Plan to outputs: ask each generator for what is not stored yet."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from harness import digests
from harness.engine import schemas
from harness.engine.store import Store
from harness.flow.plan import Arm, Batch, Plan
from harness.flow.progress import Progress
from harness.protocols import Executor
from harness.records import Case, Failure, Generated, Output


def generate(
    plan: Plan, arm: Arm, store: Store, executor: Executor, progress: Progress
) -> None:
    """Generate and store every case of an arm that has no finished output.

    A batch runs whole, as the plan cut it, so that a resumed run computes the
    same sums. Cases that failed earlier are tried again one by one.
    """
    fingerprint = arm.generator.fingerprint
    done = store.finished("outputs", fingerprint)
    progress.begin(
        f"generate {arm.label}",
        plan.cases_per_arm,
        sum(done[batch.batch_id] for batch in plan.batches(arm)) if done else 0,
    )
    todo = _Todo(plan, arm, store, done)
    if next(iter(todo), None) is None:
        return
    with arm.generator.plugin as generator:
        for cases, results, seconds in executor.map(generator.generate, iter(todo)):
            rows = [
                _output(case, result, fingerprint, store)
                for case, result in zip(cases, results, strict=True)
            ]
            _commit(store, todo.owner[cases[0].case_id], rows, seconds)
            progress.advance(len(rows), sum(row.status != "ok" for row in rows))


class _Todo:
    """The cases still to do, in the plan's order; remembers which batch each call is of."""

    def __init__(self, plan: Plan, arm: Arm, store: Store, done: Mapping[str, int]) -> None:
        self._plan, self._arm, self._store, self._done = plan, arm, store, done
        self.owner: dict[str, str] = {}

    def __iter__(self) -> Iterator[Sequence[Case]]:
        for batch in self._plan.batches(self._arm):
            for cases in self._open(batch):
                self.owner[cases[0].case_id] = batch.batch_id
                yield cases

    def _open(self, batch: Batch) -> Iterator[Sequence[Case]]:
        finished = self._done.get(batch.batch_id, 0)
        if finished == 0:
            yield batch.cases
        elif finished < len(batch.cases):
            fingerprint = self._arm.generator.fingerprint
            rows = self._store.rows("outputs", batch.batch_id, fingerprint)
            good = {row["case_id"] for row in rows if row["status"] != "error"}
            yield from ([case] for case in batch.cases if case.case_id not in good)


def _output(case: Case, result: Generated | Failure, fingerprint: str, store: Store) -> Output:
    made = Output(
        output_id=digests.of_json([case.case_id, fingerprint]),
        case_id=case.case_id,
        batch_id="",
        fingerprint=fingerprint,
        status="error",
    )
    if isinstance(result, Failure):
        return dataclasses.replace(made, status=result.status, error=result.reason)
    media = result.media
    if isinstance(media, str):
        media = media.encode("utf-8", "replace").decode("utf-8")
    times = (result.seconds, result.first_token_seconds)
    if any(value is not None and not math.isfinite(value) for value in times):
        return dataclasses.replace(
            made, error="the generator reported a time that is not finite"
        )
    text, name = store.put(media)
    return dataclasses.replace(
        made,
        status="ok",
        text=text,
        media=name,
        seconds=result.seconds,
        first_token_seconds=result.first_token_seconds,
        tokens=result.tokens,
        finish=result.finish,
    )


def _commit(store: Store, batch_id: str, rows: Sequence[Output], seconds: float) -> None:
    columns = {
        f.name: [getattr(row, f.name) for row in rows] for f in dataclasses.fields(Output)
    }
    columns["batch_id"] = [batch_id] * len(rows)
    columns["batch_seconds"] = [seconds] * len(rows)
    columns["batch_size"] = [len(rows)] * len(rows)
    columns["seconds"] = [seconds if row.seconds is None else row.seconds for row in rows]
    store.append("outputs", columns, schemas.outputs())
