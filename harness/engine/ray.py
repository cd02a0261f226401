"""Spread batches over a Ray cluster: each worker opens the model once and does whole batches.

The process that runs the gate cuts the batches, takes the results in the plan's order
and is the only one that writes. So a run holds the same bytes whatever the number of
workers, whichever of them died, and the store needs no second writer. (The design had a
writer in each worker; then the order of parts would depend on who was faster.)

A worker that dies takes no row with it: its batch goes to another. A batch that kills
twice is done row by row, and a row that kills alone is a failure with that reason.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field

from harness.engine.local import Seconds, run_batch
from harness.errors import HarnessError, PluginError
from harness.protocols import Loaded
from harness.records import Failure
from harness.spec.model import Spec

T = TypeVar("T")
_AHEAD, _DEATHS, _LOST_STARTS = 4, 2, 3
_START_SECONDS, _CLOSE_SECONDS = 300.0, 10.0
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Ray:
    """Runs batches on the workers of a Ray cluster."""

    class Options(Spec):
        """How many workers there are, and what each takes of the cluster.

        `address` names a cluster; without it, and without `RAY_ADDRESS`, one is started
        on this machine and stopped at the end. `threads` are those that sums are spread
        over in each worker: left out, as many as there are here, so that sums round alike.
        `timeout`: the most seconds that one item may take; a batch may take their sum.
        """

        workers: Annotated[int, Field(ge=1)] = 2
        cpus_per_worker: Annotated[float, Field(ge=0.0)] = 1.0
        gpus_per_worker: Annotated[float, Field(ge=0.0)] = 0.0
        threads: Annotated[int, Field(ge=1)] | None = None
        address: str | None = None
        timeout: Seconds | None = None

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or self.Options()

    @contextmanager
    def opened(self, plugin: Loaded) -> Iterator[Crew]:
        """Open a plug-in in every worker, and close it after.

        Raises:
            PluginError: Ray is not installed.
            HarnessError: The cluster cannot be reached, or has no room for a worker.
        """
        with _connected(self._options):
            crew = Crew(plugin, self._options)
            try:
                yield crew
            finally:
                crew.close()


@dataclass(slots=True)
class _Task:
    """A batch on its way, how often it has killed a worker, and what its rows came to."""

    place: int
    batch: Sequence[Any]
    deaths: int = 0
    results: list[Any] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rows(self) -> Sequence[Any]:
        """What to do next: all of it, or its next row where it has killed too often."""
        return self.batch if self.deaths < _DEATHS else [self.batch[len(self.results)]]


class Crew:
    """Workers that hold one plug-in; each does one batch at a time."""

    def __init__(self, plugin: Loaded, options: Ray.Options) -> None:
        self._plugin, self._options = plugin, options
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}
        self._running: dict[Any, tuple[_Task, Any]] = {}
        self._lost_starts = 0
        for _ in range(options.workers):
            self._hire()

    def map(
        self, method: str, batches: Iterator[Sequence[T]]
    ) -> Iterator[tuple[Sequence[T], Sequence[Any | Failure], float]]:
        """Yield each batch in order, with one result or failure per item, and its seconds."""
        fresh = (_Task(place, batch) for place, batch in enumerate(batches))
        todo: deque[_Task] = deque()
        done: dict[int, _Task] = {}
        limit = _AHEAD * self._options.workers
        for wanted in itertools.count():
            while wanted not in done:
                room = limit - len(done) - len(self._running) - len(todo)
                todo.extend(itertools.islice(fresh, max(0, room)))
                if not todo and not self._running:
                    return
                self._send(method, todo)
                for task in self._collected():
                    if len(task.results) == len(task.batch):
                        done[task.place] = task
                    else:
                        todo.appendleft(task)
            task = done.pop(wanted)
            yield task.batch, task.results, task.seconds

    def close(self) -> None:
        """Close the plug-in in every worker, and let them go."""
        import ray

        refs = [*self._starting]
        opened, _ = ray.wait(refs, num_returns=len(refs), timeout=0) if refs else ([], [])
        unused = [self._starting[ref] for ref in opened]  # nothing was left for them to do
        ends = [worker.close.remote() for worker in (*self._idle, *unused)]
        if ends:
            ray.wait(ends, num_returns=len(ends), timeout=_CLOSE_SECONDS)
        busy = [worker for _, worker in self._running.values()]
        for worker in (*self._idle, *busy, *self._starting.values()):
            ray.kill(worker)

    def _hire(self) -> None:
        import ray

        options = self._options
        threads = str(options.threads or _threads())
        worker = (
            cast("Any", ray.remote(_Worker))
            .options(
                num_cpus=options.cpus_per_worker,
                num_gpus=options.gpus_per_worker,
                runtime_env={"env_vars": dict.fromkeys(_THREADS, threads)},
            )
            .remote(self._plugin, tuple(sys.path))
        )
        self._starting[worker.open.remote()] = worker

    def _replace_unopened(self) -> None:
        self._lost_starts += 1
        if self._lost_starts > _LOST_STARTS:
            raise HarnessError(
                f"{self._lost_starts} Ray workers died while they opened {self._plugin!r}",
                fix="see the logs of Ray: memory is the usual reason",
            )
        self._hire()

    def _send(self, method: str, todo: deque[_Task]) -> None:
        while todo and self._idle:
            task, worker = todo.popleft(), self._idle.pop()
            self._running[worker.run.remote(method, task.rows, self._options.timeout)] = (
                task,
                worker,
            )

    def _collected(self) -> Iterator[_Task]:
        """Wait until a worker is ready or has come to something; give the task it had."""
        import ray

        refs = [*self._running, *self._starting]
        patience = None if self._running else _START_SECONDS
        ready, _ = ray.wait(refs, num_returns=1, timeout=patience)
        if not ready:
            raise HarnessError(
                "the Ray cluster has no room for a worker",
                where=f"{self._options.cpus_per_worker:g} CPUs and "
                f"{self._options.gpus_per_worker:g} GPUs each",
                fix="ask for less, or add nodes; finished work is kept",
            )
        (ref,) = ready
        if ref in self._starting:
            worker = self._starting.pop(ref)
            if _opened(ref):
                self._idle.append(worker)
            else:
                self._replace_unopened()
            return
        task, worker = self._running.pop(ref)
        if _noted(task, ref):
            self._idle.append(worker)
        else:
            self._hire()
        yield task


def _opened(ref: Any) -> bool:
    """Whether a worker has opened the plug-in; the plug-in's own error where it could not."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        ray.get(ref)
    except RayTaskError as error:
        raise error.cause or error from error
    except RayError:
        return False
    return True


def _noted(task: _Task, ref: Any) -> bool:
    """Add what a call came to; False where its worker died."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    rows = task.rows
    try:
        results, seconds = ray.get(ref)
    except RayTaskError as error:
        results, seconds = [Failure(f"its answer cannot be sent: {error}")] * len(rows), 0.0
    except RayError as error:
        task.deaths += 1
        if task.deaths >= _DEATHS and len(rows) == 1:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            task.results.append(Failure(f"the worker died on it: {reason}"))
        return False
    task.results += results
    task.seconds += seconds
    return True


class _Worker:
    """What runs in a Ray actor."""

    def __init__(self, plugin: Any, path: Sequence[str]) -> None:
        sys.path.extend(place for place in path if place not in sys.path)
        self._plugin = plugin
        self._entered: Any = None

    def open(self) -> None:
        self._entered = self._plugin.__enter__()

    def run(
        self, method: str, batch: Sequence[Any], timeout: float | None
    ) -> tuple[list[Any], float]:
        return run_batch(getattr(self._entered, method), batch, timeout)

    def close(self) -> None:
        self._plugin.__exit__(None, None, None)


def _threads() -> int:
    """How many threads sums are spread over here."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


@contextmanager
def _connected(options: Ray.Options) -> Iterator[None]:
    """Connect to the cluster; start one here where none is named, and stop that one after."""
    try:
        import ray
    except ImportError as error:
        raise PluginError(
            "the executor `ray` needs Ray, which is not installed",
            fix="pip install 'harness[ray]'",
        ) from error

    if ray.is_initialized():
        yield
        return
    address = options.address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        ray.init(
            address=address, include_dashboard=False if address == "local" else None,
            log_to_driver=False, logging_level=logging.ERROR,
        )  # fmt: skip
    except Exception as error:  # of no narrower kind where a node is slow to start
        ours = "try again when this machine is less busy, or name a cluster with `address`"
        raise HarnessError(
            f"the Ray cluster cannot be {'started' if address == 'local' else 'reached'}: "
            f"{' '.join(str(error).split())}",
            where=address,
            fix=ours
            if address == "local"
            else f"look at it with `ray status --address {address}`",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


__all__ = ["Crew", "Ray"]
