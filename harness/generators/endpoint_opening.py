"""An endpoint that is open: its connections, and the event loop that they live in."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import anyio
import httpcore2
from anyio.from_thread import BlockingPortal, start_blocking_portal

from harness.generators.endpoint_client import Caps, Client
from harness.generators.endpoint_hosts import Allowed, site
from harness.generators.endpoint_limits import Budget, Pace, Turns
from harness.generators.endpoint_options import Options
from harness.generators.endpoint_requests import PATHS
from harness.generators.endpoint_retries import Asker, Limits, Patience, Prices
from harness.generators.endpoint_sockets import Guarded
from harness.generators.endpoint_trust import trusted
from harness.records import Failure, Generated
from harness.spec.secret import Secrets

_TEXT_BYTES = 8 * 2**20
_IMAGE_BYTES = 96 * 2**20
_IDLE_SECONDS = 30.0
_STOPPED = Failure("stopped before it was answered")

Request = tuple[Mapping[str, object] | Failure, tuple[int, int]]


class Line:
    """What a batch is handed to. The loop runs in a thread, so it works in a notebook too."""

    def __init__(self, portal: BlockingPortal, asker: Asker) -> None:
        self._portal, self._asker = portal, asker
        self.stopped = False

    def answers(self, requests: Sequence[Request]) -> list[Generated | Failure]:
        """Ask for all, and give the answers in the same order.

        An interrupt ends it at once, with `stopped` set and the answers that there are:
        what is lost are the requests under way, not the whole batch.
        """
        found: dict[int, Generated | Failure] = {}
        asking = self._portal.start_task_soon(self._all, requests, found)
        try:
            asking.result()
        except KeyboardInterrupt:
            self.stopped = True
            asking.cancel()
        return [found.get(place, _STOPPED) for place in range(len(requests))]

    async def _all(
        self, requests: Sequence[Request], found: dict[int, Generated | Failure]
    ) -> None:

        async def one(place: int, request: Request) -> None:
            body, most = request
            if isinstance(body, Failure):
                found[place] = body
            else:
                found[place] = await self._asker.answer(body, most)

        async with anyio.create_task_group() as tasks:
            for place, request in enumerate(requests):
                tasks.start_soon(one, place, request)


@contextmanager
def opened(options: Options, secrets: Secrets, budget: Budget) -> Iterator[Line]:
    """Open what a suite describes.

    Raises:
        SpecError: A secret is not set, or no trusted certificates are where they should be.
    """
    headers = {name: secrets.reveal(value) for name, value in options.headers.items()}
    if options.api_key:
        headers["Authorization"] = f"Bearer {secrets.reveal(options.api_key)}"
    where = site(options.base_url)
    images = options.api == "images"
    caps = Caps(seconds=options.timeout_seconds, bytes=_IMAGE_BYTES if images else _TEXT_BYTES)
    trust = trusted() if where.scheme == "https" else None
    with start_blocking_portal() as portal:
        pool = httpcore2.AsyncConnectionPool(
            max_connections=options.max_concurrency,
            keepalive_expiry=_IDLE_SECONDS,
            ssl_context=trust,
            network_backend=Guarded(where.host, Allowed(options.hosts)),
        )
        client = Client(pool, where, PATHS[options.api], headers, caps)
        patience = Patience(
            retries=options.retries,
            most_seconds=options.max_wait_seconds,
            # No result depends on it, and two processes must not wait alike.
            draw=random.SystemRandom().random,
            sleep=anyio.sleep,
        )
        limits = Limits(
            turns=Turns(options.max_concurrency, budget),
            budget=budget,
            requests=Pace(options.requests_per_minute, time.monotonic),
            tokens=Pace(options.tokens_per_minute, time.monotonic),
            prices=_prices(options),
        )
        with portal.wrap_async_context_manager(pool):
            yield Line(portal, Asker(client, limits, patience, secrets))


def _prices(options: Options) -> Prices:
    million = options.price_per_million
    return Prices(
        tokens_in=million.input if million else 0.0,
        tokens_out=million.output if million else 0.0,
        picture=options.price_per_image or 0.0,
    )
