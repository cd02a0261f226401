"""Run batches here, one after the other; a batch that fails is retried row by row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from harness.records import Failure

T = TypeVar("T")
R = TypeVar("R")


class Local:
    """The executor that does nothing clever; the reference for all others."""

    def map(
        self,
        work: Callable[[Sequence[T]], Sequence[R | Failure]],
        batches: Iterator[Sequence[T]],
    ) -> Iterator[tuple[Sequence[T], Sequence[R | Failure], float]]:
        """Yield each batch with one result or failure per item, and its wall seconds."""
        for batch in batches:
            started = time.perf_counter()
            results = _attempt(work, batch)
            if len(batch) > 1 and all(_raised(result) for result in results):
                results = [_attempt(work, [item])[0] for item in batch]
            yield batch, results, time.perf_counter() - started


class _Raised(Failure):
    """A failure that an exception caused, as against one the plug-in reported."""


def _raised(result: object) -> bool:
    return isinstance(result, _Raised)


def _attempt(
    work: Callable[[Sequence[T]], Sequence[R | Failure]], batch: Sequence[T]
) -> list[R | Failure]:
    """Do one batch. The one place where a plug-in's exception becomes a row."""
    try:
        results = list(work(batch))
    except Exception as error:  # noqa: BLE001 - see above
        return [_Raised(f"{type(error).__name__}: {error}")] * len(batch)
    if len(results) != len(batch):
        return [_Raised(f"asked for {len(batch)} results, got {len(results)}")] * len(batch)
    return results
