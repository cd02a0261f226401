"""Who writes at a URL: one at a time, and a dead one not for ever.

Whoever wants to write puts an object of its own there, and only then looks at
the others: of two who come at once at least one sees the other, on any store
whose listing shows what was written before. So this needs no conditional write,
which not every store has, and which some ignore silently.

The holder renews its object. By its own clock it gives up once the last renewal
is `SECONDS` old; by the store's clock others wait for twice as long.
"""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from harness.engine.objects import Objects
from harness.errors import BusyError, StorageError

SECONDS = 60.0
_RENEWALS, _WAIT = 4, 2


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write at a place, until it is lost.

    Args:
        objects: The place.
        folder: Where the leases lie in it.
        writer: Names what only one process here has at a time, so that a lease by the same
            writer is known to be of a dead one.
        tell: Hears that a dead writer's lease was taken over.
    """

    objects: Objects
    folder: str
    writer: str
    tell: Callable[[str], object]

    @contextmanager
    def held(self) -> Iterator[Callable[[], None]]:
        """Hold it; what is given checks that it still is held.

        Raises:
            BusyError: Somebody else holds it.
        """
        name = f"{self.folder}/{uuid.uuid4().hex}.json"
        clock = _Clock()
        self._renew(name, clock)
        self._alone(name)
        stop = threading.Event()
        beat = threading.Thread(target=self._keep, args=(name, clock, stop), daemon=True)
        beat.start()
        try:
            yield lambda: self._check(clock)
        finally:
            stop.set()
            beat.join()
            with suppress(StorageError):  # it runs out by itself
                self.objects.remove([name])

    def _alone(self, name: str) -> None:
        """Take the leases of the dead away; step back where one is of the living."""
        try:
            for other in sorted(self.objects.listed(self.folder).keys() - {name}):
                self._pass(other, name)
        except BaseException:
            with suppress(StorageError):
                self.objects.remove([name])
            raise

    def _pass(self, other: str, mine: str) -> None:
        data, then = self.objects.read(other), self.objects.modified(other)
        now = self.objects.modified(mine)
        if data is None or then is None:
            return  # released meanwhile
        said = _parsed(data)
        dead = said.get("writer") == self.writer and said.get("host") == socket.gethostname()
        left = _WAIT * float(said.get("seconds", SECONDS))
        left -= (now - then).total_seconds() if now else 0
        who = f"{said.get('host')}, process {said.get('pid')}, since {said.get('since')}"
        if not dead and left > 0:
            raise BusyError(
                f"another process is writing this run: {who}",
                where=self.objects.url,
                fix=f"wait for it; if it is dead, its lease ends in {left:.0f} s",
            )
        self.objects.remove([other])
        self.tell(f"a dead writer's lease was taken over: {who}")

    def _keep(self, name: str, clock: _Clock, stop: threading.Event) -> None:
        while not stop.wait(SECONDS / _RENEWALS):
            with suppress(StorageError):  # if it lasts, the lease is lost, and that is told
                if self.objects.modified(name) is None or clock.age() > SECONDS:
                    clock.lose()
                    return
                self._renew(name, clock)

    def _renew(self, name: str, clock: _Clock) -> None:
        began = time.time()
        self.objects.write(name, json.dumps(self._about(clock)).encode())
        clock.renewed = began

    def _about(self, clock: _Clock) -> dict[str, Any]:
        return {
            "host": socket.gethostname(), "pid": os.getpid(), "writer": self.writer,
            "since": datetime.fromtimestamp(clock.since, UTC).isoformat(timespec="seconds"),
            "seconds": SECONDS,
        }  # fmt: skip

    def _check(self, clock: _Clock) -> None:
        if clock.age() > SECONDS:
            raise BusyError(
                "the right to write this run was lost: it was not renewed in time",
                where=self.objects.url,
                fix="run the same command again; what is stored is kept",
            )


@contextmanager
def waited(lease: Lease, patience_seconds: float) -> Iterator[Callable[[], None]]:
    """Hold a lease, and ask again for a while where somebody else holds it.

    Raises:
        BusyError: Somebody else holds it still.
    """
    end = time.monotonic() + patience_seconds
    with ExitStack() as stack:
        while True:
            try:
                check = stack.enter_context(lease.held())
                break
            except BusyError:
                if time.monotonic() > end:
                    raise
            time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - so that two part
        yield check


class _Clock:
    """When a lease began and was last renewed; wall time, which a sleeping machine keeps."""

    def __init__(self) -> None:
        self.since = self.renewed = time.time()

    def age(self) -> float:
        """Seconds since the last renewal began."""
        return time.time() - self.renewed

    def lose(self) -> None:
        """Know that it is gone."""
        self.renewed = float("-inf")


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
