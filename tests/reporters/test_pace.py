"""A sequential gate says what it spent, beside what a fixed plan would have cost."""

from __future__ import annotations

from collections.abc import Callable

from harness.records import Progression, RunView
from harness.reporters.pace import WIDTH, paces, words

Make = Callable[..., RunView]


def _way(**changes: object) -> Progression:
    fields: dict[str, object] = {
        "generator": "g", "strategy": "s", "used": 150, "planned": 1000, "fixed": 620,
        "looks": 6, "allowed": 14, "stopped": "decided",
    }  # fmt: skip
    return Progression(**{**fields, **changes})  # type: ignore[arg-type]


def test_it_says_what_was_spent_and_what_a_fixed_plan_would_have_taken() -> None:
    assert words(_way()) == (
        "decided after 150 of 1,000 prompts (a fixed plan would have taken at least about 620)"
    )


def test_a_spent_budget_is_not_called_decided() -> None:
    told = words(_way(used=1000, fixed=None, stopped="budget"))

    assert told == "not decided after 1,000 of 1,000 prompts"


def test_a_budget_that_ended_it_is_named_as_the_reason() -> None:
    told = words(_way(used=120, fixed=None, stopped="budget"))

    assert told == "not decided: the budget ended it after 120 of 1,000 prompts"


def test_all_bars_share_one_scale(make_complete: Make) -> None:
    found = {one.arm: one for one in paces(make_complete())}

    assert found["beam-sample"].fixed == WIDTH
    assert found["greedy"].planned == found["nucleus"].planned < WIDTH
    assert found["nucleus"].used < found["greedy"].used < found["greedy"].planned
    assert found["nucleus"].fixed is None


def test_a_run_of_fixed_size_has_no_bar(make_run: Make) -> None:
    assert paces(make_run()) == ()
