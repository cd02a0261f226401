"""What a ledger comes to: each entry in its order applies, or is passed over for a reason.

An entry applies only at the epoch its writer saw, so of several written at once the
first wins and the others change nothing. What a prefix of the ledger came to is never
changed by what follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.ledger.entries import Entry

_MOVES = ("promote", "rollback")


@dataclass(frozen=True, slots=True)
class State:
    """The entries that applied, in order, and those passed over, each with the reason."""

    applied: tuple[Entry, ...] = ()
    ignored: tuple[tuple[Entry, str], ...] = ()

    @property
    def epoch(self) -> int:
        """How many changes there were."""
        return len(self.applied)

    @property
    def serving(self) -> Entry | None:
        """The promotion or rollback whose version the alias should stand for."""
        return next((e for e in reversed(self.applied) if e.change.op in _MOVES), None)

    @property
    def promoted(self) -> Entry | None:
        """The last promotion that applied."""
        return next((e for e in reversed(self.applied) if e.change.op == "promote"), None)

    @property
    def frozen(self) -> Entry | None:
        """The freeze that holds, if one does."""
        holds = [e for e in self.applied if e.change.op not in _MOVES]
        return holds[-1] if holds and holds[-1].change.op == "freeze" else None

    def gated(self, version: str) -> Entry | None:
        """The last promotion of this version that applied."""
        own = [e for e in self.applied if e.change.op == "promote"]
        return next((e for e in reversed(own) if e.change.version == version), None)

    def epoch_of(self, entry: Entry) -> int | None:
        """Which change this entry was, counted from 1; None where it was passed over."""
        return next(
            (n for n, e in enumerate(self.applied, 1) if e.number == entry.number), None
        )


@dataclass(slots=True)
class _Folding:
    """The state while it grows, with what the next entry is held against."""

    applied: list[Entry] = field(default_factory=list)
    ignored: list[tuple[Entry, str]] = field(default_factory=list)
    frozen: bool = False
    intents: dict[str, int] = field(default_factory=dict)
    gated: set[tuple[str, str]] = field(default_factory=set)

    def obstacle(self, entry: Entry) -> str:
        """Why an entry does not apply; empty where it does."""
        change, epoch = entry.change, len(self.applied)
        if (same := self.intents.get(change.intent)) is not None:
            return f"repeats entry {same}"
        if change.expect_epoch != epoch:
            return f"written for epoch {change.expect_epoch}, and it was {epoch}"
        if change.op == "unfreeze":
            return "" if self.frozen else "nothing was frozen"
        if self.frozen:
            return "the alias was frozen"
        if change.op == "rollback" and (change.version, change.subject) not in self.gated:
            return f"version {change.version} was never promoted"
        return ""

    def apply(self, entry: Entry) -> None:
        change = entry.change
        self.applied.append(entry)
        if change.op == "promote":
            self.gated.add((change.version, change.subject))
        elif change.op != "rollback":
            self.frozen = change.op == "freeze"


def fold(entries: Sequence[Entry]) -> State:
    """Apply entries in the order of their numbers.

    Args:
        entries: The whole ledger, its signatures and links checked.
    """
    folding = _Folding()
    for entry in entries:
        if why := folding.obstacle(entry):
            folding.ignored.append((entry, why))
        else:
            folding.apply(entry)
        folding.intents.setdefault(entry.change.intent, entry.number)
    return State(tuple(folding.applied), tuple(folding.ignored))
