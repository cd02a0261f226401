"""Waiting and trying again, with a clock, a sleep and a chance that the test holds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from harness.generators.endpoint_limits import Amount, Budget, Pace, Turns
from harness.generators.endpoint_replies import Answer, Trouble
from harness.generators.endpoint_retries import Asker, Limits, Patience, Prices
from harness.records import Failure, Generated
from harness.spec.secret import Secrets


class Scripted:
    """Answers from a list, one request after the other."""

    def __init__(self, *found: Answer | Trouble) -> None:
        self._found = list(found)

    async def ask(self, body: Mapping[str, object]) -> Answer | Trouble:
        return self._found.pop(0)


def asked(
    *found: Answer | Trouble,
    draw: float = 0.5,
    budget: Budget | None = None,
    rpm: int | None = None,
) -> tuple[list[Generated | Failure], list[float], Turns, Budget]:
    """Ask once for each answer at the end; the pauses come too."""
    slept: list[float] = []
    now = [0.0]

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        now[0] += seconds

    async def work() -> list[Generated | Failure]:
        count = sum(isinstance(one, Answer) for one in found) or 1
        return [await asker.answer({}, (100, 10)) for _ in range(count)]

    spending = budget or Budget(None, None)
    turns = Turns(8, spending)
    limits = Limits(
        turns=turns, budget=spending, requests=Pace(rpm, lambda: now[0]),
        tokens=Pace(None, lambda: now[0]), prices=Prices(),
    )  # fmt: skip
    patience = Patience(retries=3, most_seconds=20.0, draw=lambda: draw, sleep=sleep)
    asker = Asker(Scripted(*found), limits, patience, Secrets({}))
    return asyncio.run(work()), slept, turns, spending


GOOD = Answer(media="yes", finish="stop", tokens_in=7, tokens_out=3)
DOWN = Trouble(reason="HTTP 500", again=True)


def test_pauses_double_and_are_drawn_from_the_whole_span() -> None:
    answers, slept, _, _ = asked(DOWN, DOWN, DOWN, GOOD)
    assert isinstance(answers[0], Generated)
    assert slept == [0.25, 0.5, 1.0]
    assert asked(DOWN, GOOD, draw=0.0)[1] == [0.0]


def test_what_the_endpoint_asks_for_is_waited_and_capped() -> None:
    polite = Trouble(reason="HTTP 429", again=True, slower=True, wait=5.0)
    greedy = Trouble(reason="HTTP 429", again=True, slower=True, wait=86_400.0)
    assert asked(polite, GOOD)[1] == [5.25]
    assert asked(greedy, GOOD)[1] == [20.25]


def test_it_gives_up_after_the_retries() -> None:
    answers, slept, _, _ = asked(DOWN, DOWN, DOWN, DOWN)
    assert answers == [Failure("HTTP 500 (asked 4 times)")]
    assert len(slept) == 3


def test_pressure_halves_the_width_and_answers_widen_it_again() -> None:
    slow = Trouble(reason="HTTP 429", again=True, slower=True)
    assert asked(slow, GOOD)[2].width == 4.25
    assert asked(slow, slow, slow, GOOD)[2].width == 2.0
    assert asked(GOOD, GOOD)[2].width == 8.0


def test_answers_to_requests_of_an_earlier_round_halve_nothing() -> None:
    turns = Turns(8, Budget(None, None))

    async def work() -> list[int | None]:
        return [await turns.take(Amount()) for _ in range(8)]

    rounds = asyncio.run(work())
    for sent_in in rounds:
        assert sent_in is not None
        turns.narrow(sent_in)
    assert turns.width == 4.0


def test_requests_are_spread_over_the_minute() -> None:
    assert asked(GOOD, GOOD, GOOD, rpm=30)[1] == [2.0, 2.0]


def test_tokens_are_counted_as_the_endpoint_does_or_at_most() -> None:
    assert asked(GOOD, budget=Budget(1000, None))[3].spent.tokens == 10
    silent = Answer(media="yes")
    assert asked(silent, budget=Budget(1000, None))[3].spent.tokens == 110
    lost = Trouble(reason="late", again=True, charged=True)
    assert asked(lost, GOOD, budget=Budget(1000, None))[3].spent.tokens == 120
    assert asked(DOWN, GOOD, budget=Budget(1000, None))[3].spent.tokens == 10


def test_nothing_is_asked_that_could_leave_the_budget() -> None:
    answers, _, _, budget = asked(GOOD, budget=Budget(109, None))
    assert answers == [Failure("budget exhausted: max_tokens_total 109")]
    assert budget.spent.tokens == 0


def test_a_turn_waits_for_what_others_give_back() -> None:
    budget = Budget(150, None)
    turns = Turns(8, budget)

    async def work() -> list[bool]:
        first = await turns.take(Amount(100))
        second = asyncio.create_task(turns.take(Amount(100)))
        await asyncio.sleep(0)
        early = second.done()
        turns.give_back(Amount(100), Amount(10))
        return [first is not None, early, await second is not None]

    assert asyncio.run(work()) == [True, False, True]
