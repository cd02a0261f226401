"""The executor: order, retries row by row, and failures that stay in place."""

from collections.abc import Sequence

from harness.engine.local import Local
from harness.records import Failure


def test_results_come_in_the_order_of_the_items() -> None:
    done = list(Local().map(lambda items: [i * 2 for i in items], iter([[1, 2], [3]])))
    assert [(batch, results) for batch, results, _ in done] == [([1, 2], [2, 4]), ([3], [6])]


def test_a_failing_batch_is_retried_row_by_row() -> None:
    def work(items: Sequence[int]) -> list[int | Failure]:
        if 2 in items:
            raise ValueError("two")
        return list(items)

    ((_, results, _),) = list(Local().map(work, iter([[1, 2, 3]])))
    assert results[0] == 1
    assert results[2] == 3
    assert isinstance(results[1], Failure)
    assert results[1].reason == "ValueError: two"


def test_a_failure_the_plugin_reports_is_not_retried() -> None:
    calls: list[int] = []

    def work(items: Sequence[int]) -> list[int | Failure]:
        calls.append(len(items))
        return [Failure("no") for _ in items]

    ((_, results, _),) = list(Local().map(work, iter([[1, 2]])))
    assert calls == [2]
    assert [result.reason for result in results if isinstance(result, Failure)] == ["no", "no"]


def test_too_few_results_are_a_failure_of_each_item() -> None:
    ((_, results, _),) = list(Local().map(lambda items: items[:0], iter([[1]])))
    assert isinstance(results[0], Failure)
    assert "asked for 1 results, got 0" in results[0].reason
