"""Units of work in the plan's order: what is committed together, cut into calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.protocols import Crew
from harness.records import Failure

U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a plug-in: what it was handed, what came back, and its wall seconds."""

    items: Sequence[Any]
    results: Sequence[Any | Failure]
    seconds: float


def by_unit(
    crew: Crew, method: str, units: Iterable[tuple[U, Sequence[Sequence[Any]]]]
) -> Iterator[tuple[U, list[Call]]]:
    """Make the calls of each unit; yield the units in order, each once all its calls are back.

    Several workers may be given calls of later units meanwhile, so `units` has to
    say what is to be done without knowing what came of the units before.

    Args:
        crew: The plug-in.
        method: What to call.
        units: Each unit with its calls; a unit without any is yielded too.
    """
    waiting: deque[tuple[U, int]] = deque()

    def calls() -> Iterator[Sequence[Any]]:
        for unit, cuts in units:
            waiting.append((unit, len(cuts)))
            yield from cuts

    back: list[Call] = []
    for answer in crew.map(method, calls()):
        yield from _without_calls(waiting)
        back.append(Call(*answer))
        if len(back) == waiting[0][1]:
            yield waiting.popleft()[0], back
            back = []
    yield from _without_calls(waiting)


def _without_calls(waiting: deque[tuple[U, int]]) -> Iterator[tuple[U, list[Call]]]:
    while waiting and waiting[0][1] == 0:
        yield waiting.popleft()[0], []
