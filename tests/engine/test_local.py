"""The executor: order, retries row by row, and failures that stay in place."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

from harness.engine.local import Local
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


def done(work: Callable[[Sequence[int]], Any], *batches: list[int]) -> list[Any]:
    plugin = Does(work)
    with Local().opened(plugin) as crew:
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
