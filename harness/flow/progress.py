"""How the slow verbs tell someone how far they are, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears of each stage and each finished item. The command line draws bars from it."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """A stage starts; `done` of its `total` items were finished by an earlier run.

        A total of 0 is one that nobody knows yet.
        """
        ...

    def advance(self, count: int, failed: int) -> None:
        """More items are finished, `failed` of them without a result."""
        ...


class Silent:
    """Says nothing."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """Ignore it."""

    def advance(self, count: int, failed: int) -> None:
        """Ignore it."""
