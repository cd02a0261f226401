"""Plan to outputs: ask each generator for what is not stored yet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, groupby

from harness.engine import identity, schemas
from harness.engine.store import Store
from harness.engine.texts import storable, storable_reason
from harness.flow.plan import Arm, Batch, Plan
from harness.flow.progress import Progress
from harness.flow.units import Call, by_unit
from harness.pictures import MAX_PIXELS
from harness.protocols import Crew, Executor
from harness.records import Case, Failure, Generated, Image, Media, Output

_FINISHES = ("stop", "length", "unknown")


def generate(plan: Plan, store: Store, executor: Executor, progress: Progress) -> None:
    """Generate and store every case of a plan that has no finished output.

    A generator is opened once for all its strategies, and only if there is
    something to do. A batch runs whole, as the plan cut it, so that a resumed
    run computes the same sums. Cases that failed earlier are tried again one by
    one, and those of one batch are committed together.
    """
    for _, arms in groupby(plan.arms, key=lambda arm: arm.generator.name):
        with ExitStack() as stack:
            crew: Crew | None = None
            for arm in arms:
                todo = _begun(plan, arm, store, progress)
                if todo is None:
                    continue
                if crew is None:
                    crew = stack.enter_context(executor.opened(arm.generator.plugin))
                _do(todo, arm, crew, store, progress)


_Todo = Iterator[tuple[Batch, Sequence[Sequence[Case]]]]


def _do(todo: _Todo, arm: Arm, crew: Crew, store: Store, progress: Progress) -> None:
    """Generate what is to do of an arm, and commit it batch by batch."""
    for batch, calls in by_unit(crew, "generate", todo):
        rows = [row for call in calls for row in _outputs(call, batch, arm, store)]
        store.append("outputs", _columns(rows), schemas.outputs())
        progress.advance(len(rows), sum(row.status != "ok" for row in rows))


def _begun(plan: Plan, arm: Arm, store: Store, progress: Progress) -> _Todo | None:
    """Say how far an arm is, and give what is still to do, or None where nothing is."""
    done = store.finished("outputs", arm.generator.fingerprint)
    finished = sum(done[b.batch_id] for b in plan.batches(arm)) if done else 0
    progress.begin(f"generate {arm.label}", plan.cases_per_arm, finished)
    todo = _todo(plan, arm, store, done)
    first = next(todo, None)
    return None if first is None else chain([first], todo)


def _todo(plan: Plan, arm: Arm, store: Store, done: Mapping[str, int]) -> _Todo:
    """The batches still to do, in the plan's order, each with the calls it takes."""
    for batch in plan.batches(arm):
        if calls := _calls(batch, arm, store, done.get(batch.batch_id, 0)):
            yield batch, calls


def _calls(batch: Batch, arm: Arm, store: Store, finished: int) -> list[Sequence[Case]]:
    if finished == 0:
        return [batch.cases]
    if finished >= len(batch.cases):
        return []
    rows = store.rows("outputs", batch.batch_id, arm.generator.fingerprint)
    good = {row["case_id"] for row in rows if row["status"] != "error"}
    return [[case] for case in batch.cases if case.case_id not in good]


def _outputs(call: Call, batch: Batch, arm: Arm, store: Store) -> Iterator[Output]:
    about = _Call(arm.generator.fingerprint, batch.batch_id, call.seconds, len(call.items))
    for case, result in zip(call.items, call.results, strict=True):
        yield _output(case, result, about, store)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a generator, as its rows remember it."""

    fingerprint: str
    batch_id: str
    seconds: float
    size: int


def _output(case: Case, result: Generated | Failure, call: _Call, store: Store) -> Output:
    answer = _checked(result)
    failure = answer if isinstance(answer, Failure) else None
    made = answer if isinstance(answer, Generated) else None
    text, media = _put(made.media, store) if made else (None, None)
    return Output(
        output_id=identity.output_id(case.case_id, call.fingerprint),
        case_id=case.case_id,
        batch_id=call.batch_id,
        fingerprint=call.fingerprint,
        status=failure.status if failure else "ok",
        text=text,
        media=media,
        seconds=call.seconds if made is None or made.seconds is None else made.seconds,
        first_token_seconds=made.first_token_seconds if made else None,
        tokens=made.tokens if made else None,
        finish=made.finish if made else None,
        batch_seconds=call.seconds,
        batch_size=call.size,
        error=storable_reason(failure.reason) if failure else None,
    )


def _put(media: Media, store: Store) -> tuple[str | None, str | None]:
    return store.put(storable(media) if isinstance(media, str) else media)


def _checked(result: object) -> Generated | Failure:
    """Refuse what could not be stored, in words, before any of it is."""
    if isinstance(result, Failure):
        return result
    if not isinstance(result, Generated):
        return Failure(f"the generator answered with {type(result).__name__}, not Generated")
    times = (result.seconds, result.first_token_seconds)
    misfit = ""
    if not isinstance(result.media, str) and not _is_picture(result.media):
        misfit = f"{type(result.media).__name__} is no text or picture"
    elif not all(value is None or _is_time(value) for value in times):
        misfit = "time is not finite, or below zero"
    elif not (result.tokens is None or _is_count(result.tokens)):
        misfit = f"tokens are no count: {str(result.tokens)[:40]}"
    elif result.finish not in _FINISHES:
        misfit = f"finish is none of {', '.join(_FINISHES)}"
    return Failure(f"the generator's {misfit}") if misfit else result


def _is_time(value: object) -> bool:
    return isinstance(value, float | int) and math.isfinite(value) and value >= 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_picture(media: Image) -> bool:
    pixels = getattr(media, "pixels", None)
    shape: tuple[int, ...] = getattr(pixels, "shape", ())
    kind = str(getattr(pixels, "dtype", ""))
    right = kind == "uint8" and len(shape) == 3 and shape[2] == 3 and 0 not in shape
    return right and shape[0] * shape[1] <= MAX_PIXELS


def _columns(rows: Sequence[Output]) -> dict[str, list[object]]:
    return {name: [getattr(row, name) for row in rows] for name in Output.__slots__}
