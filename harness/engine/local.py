"""Run batches here, one after the other, and divide a batch that fails.

What ran out of memory is tried again by halves, anything else row by row. `timeout` stops
what takes too long, in Python code: a call that hangs inside compiled code cannot be stopped.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from pydantic import Field

from harness.errors import HarnessError
from harness.protocols import Loaded
from harness.records import Failure
from harness.spec.model import Spec

T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[Sequence[T]], Sequence[R | Failure]]
Seconds = Annotated[float, Field(gt=0.0)]


class Local:
    """The executor that does nothing clever; the reference for all others."""

    class Options(Spec):
        """`timeout`: the most seconds that one item may take; a batch may take their sum."""

        timeout: Seconds | None = None

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or self.Options()

    @contextmanager
    def opened(self, plugin: Loaded) -> Iterator[Here]:
        """Open a plug-in's weights here, and close them after."""
        with plugin as entered:
            yield Here(entered, self._options.timeout)


class Here:
    """A plug-in that was opened in this process."""

    def __init__(self, plugin: Any, timeout: float | None = None) -> None:
        self._plugin, self._timeout = plugin, timeout

    def map(
        self, method: str, batches: Iterator[Sequence[T]]
    ) -> Iterator[tuple[Sequence[T], Sequence[Any | Failure], float]]:
        """Yield each batch with one result or failure per item, and its wall seconds."""
        work = getattr(self._plugin, method)
        for batch in batches:
            results, seconds = run_batch(work, batch, self._timeout)
            yield batch, results, seconds


def run_batch(
    work: Work[T, R], batch: Sequence[T], timeout: float | None = None
) -> tuple[list[R | Failure], float]:
    """Do one batch, in parts where it fails as a whole; give its wall seconds too.

    Args:
        work: Gives one result per item.
        batch: The items.
        timeout: The most seconds an item may take.

    Raises:
        HarnessError: There is a timeout, and this is not the main thread.
    """
    if timeout is not None and threading.current_thread() is not threading.main_thread():
        raise HarnessError(
            "an executor's timeout needs the main thread",
            fix="run the suite from the main thread, or leave `timeout` out",
        )
    started = time.perf_counter()
    return _divided(work, batch, timeout), time.perf_counter() - started


def _divided(work: Work[T, R], batch: Sequence[T], timeout: float | None) -> list[R | Failure]:
    results = _attempt(work, batch, timeout)
    if len(batch) < 2 or not all(isinstance(result, _Raised) for result in results):
        return results
    size = 1
    if any(isinstance(result, _OutOfMemory) for result in results):
        size = (len(batch) + 1) // 2
        _free()
    parts = [batch[i : i + size] for i in range(0, len(batch), size)]
    return [result for part in parts for result in _divided(work, part, timeout)]


class _Raised(Failure):
    """A failure that an exception caused, as against one the plug-in reported."""


class _OutOfMemory(_Raised):
    """A failure that fewer items at once may not have."""


def _attempt(work: Work[T, R], batch: Sequence[T], timeout: float | None) -> list[R | Failure]:
    """Do one batch. The one place where a plug-in's exception becomes a row."""
    try:
        with _limit(timeout, len(batch)):
            results = list(work(batch))
    except _TooLongError:
        return [_Raised(f"it took longer than {timeout:g} s")] * len(batch)
    except Exception as error:  # noqa: BLE001 - see above
        kind = _OutOfMemory if _is_memory(error) else _Raised
        return [kind(f"{type(error).__name__}: {error}")] * len(batch)
    if len(results) != len(batch):
        return [_Raised(f"asked for {len(batch)} results, got {len(results)}")] * len(batch)
    return results


def _is_memory(error: Exception) -> bool:
    """Whether memory ran out: torch says so by name on a GPU, in words on a CPU."""
    said = str(error).lower()
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(word in said for word in words))
    )


def _free() -> None:
    """Give back what the failed attempt held, so that the halves find room."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


class _TooLongError(BaseException):
    """Raised in the midst of a plug-in; no `except Exception` of its own may swallow it."""


@contextmanager
def _limit(timeout: float | None, items: int) -> Iterator[None]:
    """Stop what is inside once its time is up, again each second if it goes on."""
    if timeout is None:
        yield
        return
    running = True

    def ring(_: int, __: object) -> None:
        if running:
            raise _TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, timeout * items, 1.0)
            yield
        finally:  # two steps: the alarm may ring in the midst of the first
            running = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
