"""From a case to its answer: waiting for a turn, trying again, and giving up with a reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.generators.endpoint_limits import Amount, Budget, Pace, Turns
from harness.generators.endpoint_replies import Answer, Trouble
from harness.records import Failure, Generated
from harness.spec.secret import Secrets

_FIRST_WAIT_SECONDS = 0.5


class Asks(Protocol):
    """What sends one request."""

    async def ask(self, body: Mapping[str, object]) -> Answer | Trouble:
        """Send it once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Money for a million tokens in and out, and for one picture."""

    tokens_in: float = 0.0
    tokens_out: float = 0.0
    picture: float = 0.0

    def amount(self, tokens_in: int, tokens_out: int) -> Amount:
        """What a request of so many tokens takes."""
        tokens = tokens_in * self.tokens_in + tokens_out * self.tokens_out
        return Amount(tokens_in + tokens_out, tokens / 1e6 + self.picture)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a request is repeated, and how waits are drawn and spent.

    `draw` gives a number in [0, 1). `most_seconds` caps each wait, the endpoint's own
    `Retry-After` included.
    """

    retries: int
    most_seconds: float
    draw: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What all requests of one endpoint share."""

    turns: Turns
    budget: Budget
    requests: Pace
    tokens: Pace
    prices: Prices


class Asker:
    """Gets answers from an endpoint that may be slow, busy, broken or hostile."""

    def __init__(
        self, client: Asks, limits: Limits, patience: Patience, secrets: Secrets
    ) -> None:
        self._client, self._limits = client, limits
        self._patience, self._secrets = patience, secrets

    async def answer(
        self, body: Mapping[str, object], most: tuple[int, int]
    ) -> Generated | Failure:
        """Ask until there is an answer, or no point in asking again.

        Args:
            body: The request.
            most: The most tokens that may go in and come out.

        Source: M. Brooker, Exponential backoff and jitter, 2015 ("full jitter").
        """
        patience, tried = self._patience, 0
        while isinstance(found := await self._once(body, most), Trouble):
            if not found.again or tried == patience.retries:
                times = f" (asked {tried + 1} times)" if tried else ""
                return Failure(self._secrets.masked(found.reason) + times)
            # Never sooner than it asks; and spread, so that not all come back at once.
            spread = min(patience.most_seconds, _FIRST_WAIT_SECONDS * 2**tried)
            asked = min(patience.most_seconds, found.wait or 0.0)
            await patience.sleep(asked + spread * patience.draw())
            tried += 1
        return self._generated(found)

    async def _once(
        self, body: Mapping[str, object], most: tuple[int, int]
    ) -> Answer | Trouble:
        limits = self._limits
        wait = max(limits.requests.wait(1), limits.tokens.wait(sum(most)))
        if wait > 0:
            await self._patience.sleep(wait)
        held = limits.prices.amount(*most)
        turn = await limits.turns.take(held)
        if turn is None:
            return Trouble(reason=f"budget exhausted: {limits.budget.limits}")
        used = held
        try:
            found = await self._client.ask(body)
            used = self._used(found, most)
        finally:
            limits.turns.give_back(held, used)
            limits.tokens.correct(used.tokens - sum(most))
        if isinstance(found, Trouble):
            if found.slower:
                limits.turns.narrow(turn)
        else:
            limits.turns.widen()
        return found

    def _used(self, found: Answer | Trouble, most: tuple[int, int]) -> Amount:
        """What a request came to; the most it may have, where the endpoint does not say."""
        if isinstance(found, Trouble):
            return self._limits.prices.amount(*most) if found.charged else Amount()
        tokens_in = most[0] if found.tokens_in is None else found.tokens_in
        tokens_out = most[1] if found.tokens_out is None else found.tokens_out
        return self._limits.prices.amount(tokens_in, tokens_out)

    def _generated(self, answer: Answer) -> Generated | Failure:
        if isinstance(answer.media, str) and self._secrets.found_in(answer.media):
            return Failure("the endpoint's answer repeats a secret of this suite")
        return Generated(
            media=answer.media,
            seconds=answer.seconds,
            first_token_seconds=answer.first_token_seconds,
            tokens=answer.tokens_out,
            finish=answer.finish,
        )
