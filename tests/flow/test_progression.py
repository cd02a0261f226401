"""How far a sequential gate goes: looks fixed beforehand, prompts in a random order."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.flow.progression import in_order, looks_of
from harness.records import Prompt


def prompts(count: int) -> list[Prompt]:
    return [Prompt(prompt_id=f"{i:064x}", text=f"q{i}") for i in range(count)]


@given(st.integers(1, 100_000), st.none() | st.integers(1, 100_000))
def test_looks_grow_and_end_where_the_prompts_or_the_budget_do(
    count: int, budget: int | None
) -> None:
    looks = looks_of(count, budget)
    assert looks[-1] == min(count, budget or count)
    assert list(looks) == sorted(set(looks))
    assert len(looks) <= 2 + math.log(max(1.0, looks[-1] / 50), 1.25)


@pytest.mark.parametrize(("count", "looks"), [(1, (1,)), (50, (50,)), (60, (50, 60))])
def test_a_short_suite_is_looked_at_once_or_twice(count: int, looks: tuple[int, ...]) -> None:
    assert looks_of(count) == looks


def test_the_order_depends_on_the_seed_and_on_nothing_else() -> None:
    some = prompts(200)
    order = in_order(some, 7)
    assert order == in_order(some[::-1], 7)
    assert order != in_order(some, 8)
    assert sorted(p.prompt_id for p in order) == [p.prompt_id for p in some]


def test_a_file_sorted_by_difficulty_is_mixed() -> None:
    first = {p.prompt_id for p in in_order(prompts(1000), 3)[:100]}
    low = sum(int(name, 16) < 500 for name in first)
    assert 30 <= low <= 70
