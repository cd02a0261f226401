"""Run batches here, one after the other; a batch that fails is retried row by row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from harness.protocols import Loaded
from harness.records import Failure
from harness.spec.model import Spec

T = TypeVar("T")
R = TypeVar("R")


class Local:
    """The executor that does nothing clever; the reference for all others."""

    class Options(Spec):
        """It has none."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options

    @contextmanager
    def opened(self, plugin: Loaded) -> Iterator[Here]:
        """Open a plug-in's weights here, and close them after."""
        with plugin as entered:
            yield Here(entered)


class Here:
    """A plug-in that was opened in this process."""

    def __init__(self, plugin: Any) -> None:
        self._plugin = plugin

    def map(
        self, method: str, batches: Iterator[Sequence[T]]
    ) -> Iterator[tuple[Sequence[T], Sequence[Any | Failure], float]]:
        """Yield each batch with one result or failure per item, and its wall seconds."""
        work = getattr(self._plugin, method)
        for batch in batches:
            results, seconds = run_batch(work, batch)
            yield batch, results, seconds


def run_batch(
    work: Callable[[Sequence[T]], Sequence[R | Failure]], batch: Sequence[T]
) -> tuple[list[R | Failure], float]:
    """Do one batch, row by row where it fails as a whole; give its wall seconds too."""
    started = time.perf_counter()
    results = _attempt(work, batch)
    if len(batch) > 1 and all(_raised(result) for result in results):
        results = [_attempt(work, [item])[0] for item in batch]
    return results, time.perf_counter() - started


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
