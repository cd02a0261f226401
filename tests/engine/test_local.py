"""The executor: order, retries row by row, and failures that stay in place."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Self

import pytest

from harness.engine.local import Local
from harness.errors import HarnessError
from harness.records import Failure


class Does:
    """A plug-in that does what it is told."""

    weights: ClassVar[dict[str, str]] = {}
    requires: Sequence[str] = ()

    def __init__(self, work: Callable[[Sequence[int]], Any]) -> None:
        self.do, self.open = work, False

    def __enter__(self) -> Self:
        self.open = True
        return self

    def __exit__(self, *exc: object) -> None:
        self.open = False


def done(
    work: Callable[[Sequence[int]], Any], *batches: list[int], timeout: float | None = None
) -> list[Any]:
    plugin = Does(work)
    with Local(Local.Options(timeout=timeout)).opened(plugin) as crew:
        assert plugin.open
        found = [(batch, results) for batch, results, _ in crew.map("do", iter(batches))]
    assert not plugin.open
    return found


def test_results_come_in_the_order_of_the_items() -> None:
    assert done(lambda items: [i * 2 for i in items], [1, 2], [3]) == [
        ([1, 2], [2, 4]),
        ([3], [6]),
    ]


def test_a_failing_batch_is_retried_row_by_row() -> None:
    def work(items: Sequence[int]) -> list[int | Failure]:
        if 2 in items:
            raise ValueError("two")
        return list(items)

    ((_, results),) = done(work, [1, 2, 3])
    assert results[0] == 1
    assert results[2] == 3
    assert isinstance(results[1], Failure)
    assert results[1].reason == "ValueError: two"


def test_a_failure_the_plugin_reports_is_not_retried() -> None:
    calls: list[int] = []

    def work(items: Sequence[int]) -> list[int | Failure]:
        calls.append(len(items))
        return [Failure("no") for _ in items]

    ((_, results),) = done(work, [1, 2])
    assert calls == [2]
    assert [result.reason for result in results] == ["no", "no"]


def test_too_few_results_are_a_failure_of_each_item() -> None:
    ((_, results),) = done(lambda items: items[:0], [1])
    assert isinstance(results[0], Failure)
    assert "asked for 1 results, got 0" in results[0].reason


def memory_of_torch(size: int) -> None:
    import torch

    torch.empty(size, dtype=torch.uint8)


def memory_of_numpy(size: int) -> None:
    import numpy as np

    np.empty(size, np.uint8)


@pytest.mark.parametrize("take", [memory_of_torch, memory_of_numpy])
def test_what_runs_out_of_memory_is_tried_again_by_halves(take: Callable[[int], None]) -> None:
    calls: list[int] = []

    def work(items: Sequence[int]) -> list[int | Failure]:
        calls.append(len(items))
        take(2**60 if len(items) > 3 else 1024)
        return list(items)

    ((_, results),) = done(work, list(range(9)))
    assert results == list(range(9))
    assert calls == [9, 5, 3, 2, 4, 2, 2]


def test_an_item_too_large_for_memory_fails_alone() -> None:
    def work(items: Sequence[int]) -> list[int | Failure]:
        memory_of_torch(2**60 if 2 in items else 1024)
        return list(items)

    ((_, results),) = done(work, [0, 1, 2, 3])
    assert [results[0], results[1], results[3]] == [0, 1, 3]
    assert isinstance(results[2], Failure)
    assert "can't allocate memory" in results[2].reason


def endless(items: Sequence[int]) -> list[int | Failure]:
    while 2 in items:
        with suppress(Exception):  # as a plug-in that goes on whatever comes
            time.sleep(60)
    return list(items)


def test_an_item_that_takes_too_long_fails_and_its_neighbours_do_not() -> None:
    ((_, results), (_, after)) = done(endless, [1, 2, 3], [4], timeout=0.1)
    assert (results[0], results[2], after) == (1, 3, [4])
    assert isinstance(results[1], Failure)
    assert results[1].reason == "it took longer than 0.1 s"


def test_a_batch_has_the_time_of_all_its_items() -> None:
    def work(items: Sequence[int]) -> list[int | Failure]:
        time.sleep(0.3)
        return list(items)

    assert done(work, list(range(100)), timeout=0.1)[0][1] == list(range(100))


def test_a_timeout_off_the_main_thread_is_refused_not_ignored() -> None:
    said: list[BaseException] = []

    def call() -> None:
        try:
            done(endless, [1], timeout=1.0)
        except HarnessError as error:
            said.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert "main thread" in str(said[0])
