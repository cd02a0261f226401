"""How fast and how much an endpoint is asked: concurrency, rates and budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amount:
    """What a request takes: tokens in and out, and money."""

    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.cost + other.cost)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.tokens - other.tokens, self.cost - other.cost)


class Budget:
    """What may be spent, what is spent, and what requests under way may come to."""

    def __init__(self, tokens: int | None, cost: float | None) -> None:
        self._tokens, self._cost = tokens, cost
        self.spent = Amount()
        self.held = Amount()

    def has_room(self, amount: Amount) -> bool:
        """Whether this much more stays within it, whatever those under way come to."""
        total = self.spent + self.held + amount
        return (self._tokens is None or total.tokens <= self._tokens) and (
            self._cost is None or total.cost <= self._cost
        )

    @property
    def limits(self) -> str:
        """What it is, in words."""
        parts = [] if self._tokens is None else [f"max_tokens_total {self._tokens:,}"]
        parts += [] if self._cost is None else [f"max_cost {self._cost:g}"]
        return " and ".join(parts)


class Turns:
    """Who may ask now: as many at once as the endpoint bears, and the budget allows.

    Of requests under way there may be one more after a round of answers, and half as
    many after the endpoint says that it is too much. Those that were sent before the
    last halving say nothing new.

    Source: D.-M. Chiu and R. Jain, Analysis of the increase and decrease algorithms for
    congestion avoidance, 1989 (additive increase, multiplicative decrease).
    """

    def __init__(self, most: int, budget: Budget) -> None:
        self._most, self._budget = most, budget
        self.width = float(most)
        self._busy = 0
        self._round = 0
        self._changed = asyncio.Event()

    async def take(self, amount: Amount) -> int | None:
        """Wait for a turn; give its round, or None where the budget is used up."""
        while not (self._busy < int(self.width) and self._can_tell(amount)):
            await self._changed.wait()
        if not self._budget.has_room(amount):
            return None
        self._busy += 1
        self._budget.held += amount
        return self._round

    def give_back(self, held: Amount, used: Amount) -> None:
        """End a turn: release what was held for it, and count what it used."""
        self._busy -= 1
        # With none under way nothing is held: what rounding left over is dropped.
        self._budget.held = self._budget.held - held if self._busy else Amount()
        self._budget.spent += used
        self._wake()

    def widen(self) -> None:
        """Note an answer."""
        self.width = min(float(self._most), self.width + 1.0 / self.width)
        self._wake()

    def narrow(self, sent_in: int) -> None:
        """Note that the endpoint was asked too much, by a request of this round."""
        if sent_in == self._round:
            self.width = max(1.0, self.width / 2.0)
            self._round += 1

    def _can_tell(self, amount: Amount) -> bool:
        # While others are under way they may yet turn out to need less than is held.
        return self._budget.has_room(amount) or self._busy == 0

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Pace:
    """Spreads what is asked evenly over each minute."""

    def __init__(self, per_minute: int | None, clock: Callable[[], float]) -> None:
        self._seconds = 60.0 / per_minute if per_minute else 0.0
        self._clock = clock
        self._free = clock()

    def wait(self, amount: float) -> float:
        """Reserve the next place for this much; give the seconds until it."""
        now = self._clock()
        start = max(now, self._free)
        self._free = start + amount * self._seconds
        return start - now

    def correct(self, difference: float) -> None:
        """Count this much more, or less, than was reserved."""
        self._free += difference * self._seconds
