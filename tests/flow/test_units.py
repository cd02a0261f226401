"""Units come in order, each whole, whatever they are cut into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.engine.local import Here
from harness.flow.units import by_unit
from harness.records import Failure


class Negates:
    def negate(self, items: Sequence[int]) -> list[int]:
        return [-item for item in items]


class Eager:
    """A crew that takes every batch before it gives the first result back."""

    def map(
        self, method: str, batches: Iterator[Sequence[Any]]
    ) -> Iterator[tuple[Sequence[Any], Sequence[Any | Failure], float]]:
        yield from list(Here(Negates()).map(method, batches))


UNITS = st.lists(st.lists(st.lists(st.integers(), min_size=1, max_size=3), max_size=3))


@given(UNITS)
def test_each_unit_has_its_own_answers(units: list[list[list[int]]]) -> None:
    for crew in (Here(Negates()), Eager()):
        numbered = list(enumerate(units))
        found = list(by_unit(crew, "negate", iter(numbered)))
        assert [number for number, _ in found] == list(range(len(units)))
        for (_, calls), cuts in zip(found, units, strict=True):
            assert [call.items for call in calls] == cuts
            assert [call.results for call in calls] == [[-i for i in cut] for cut in cuts]


def test_here_a_unit_is_given_back_before_the_next_is_begun() -> None:
    begun: list[int] = []

    def units() -> Iterator[tuple[int, list[list[int]]]]:
        for number in range(3):
            begun.append(number)
            yield number, [[number]]

    for number, _ in by_unit(Here(Negates()), "negate", units()):
        assert begun == list(range(number + 1))
