"""Change what an alias serves: write an entry, see whether it was first, move the alias."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import AlteredError, ConflictError, RefusedError
from harness.ledger.connection import Server
from harness.ledger.entries import Author, Change, Entry
from harness.ledger.fold import State, fold
from harness.ledger.projection import project
from harness.ledger.promotions import Ledger, append


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A change of an alias that applied: the entry, which change it was, and what was before.

    `previous` is the version served before it, `epoch` counts changes from 1; `already`
    says that it had applied before it was asked for.
    """

    model: str
    alias: str
    version: str
    previous: str | None
    epoch: int
    entry: Entry
    already: bool = False

    @property
    def seal(self) -> str:
        """The seal of the run it rests on."""
        return self.entry.change.evidence.get("seal", "")

    @classmethod
    def of(cls, state: State, entry: Entry) -> Promotion:
        """Tell what an applied entry changed.

        Raises:
            AlteredError: The entry is not one of those that applied.
        """
        epoch = state.epoch_of(entry)
        if epoch is None:
            raise AlteredError("the entry did not apply", where=entry.told)
        before = State(state.applied[: epoch - 1]).serving
        change = entry.change
        return cls(
            model=change.model,
            alias=change.alias,
            version=change.version,
            previous=before.change.version if before else None,
            epoch=epoch,
            entry=entry,
        )


def change_alias(server: Server, ledger: Ledger, change: Change, author: Author) -> Promotion:
    """Write a change and, where it is the first at its epoch, move the alias accordingly.

    After a crash before the entry is written nothing has happened; after it, whoever
    changes or reconciles this alias next finishes the move.

    Raises:
        ConflictError: Someone else was first.
        RefusedError: The alias was frozen meanwhile, or the change is none that may be.
        AlteredError: The ledger was changed.
        TrackingError: MLflow does not take it.
    """
    state, entry = write(server, ledger, change, author)
    project(server, change.model, change.alias, author.trusted)
    return Promotion.of(state, entry)


def write(
    server: Server, ledger: Ledger, change: Change, author: Author
) -> tuple[State, Entry]:
    """Write a change to the ledger, and see that it applied; the alias is left as it is.

    Raises:
        ConflictError: Someone else was first.
        RefusedError: The alias was frozen meanwhile, or the change is none that may be.
        AlteredError: The ledger was changed.
        TrackingError: MLflow does not take it.
    """
    state = fold(ledger.entries)
    if change.expect_epoch != state.epoch:
        raise _refusal(state, change)
    now, entry = append(server, ledger, change, author)
    state = fold(now.entries)
    if state.epoch_of(entry) is None:
        raise _refusal(state, change)
    return state, entry


def refuse_frozen(state: State) -> None:
    """Refuse where a freeze holds.

    Raises:
        RefusedError: It does; it says whose it is, and why.
    """
    if (freeze := state.frozen) is not None:
        raise RefusedError(
            f"the alias is frozen: {freeze.reason or 'no reason was given'}",
            where=f"{freeze.change.model}@{freeze.change.alias}, {freeze.told}",
            fix="harness registry unfreeze, when the reason no longer holds",
        )


def _refusal(state: State, change: Change) -> RefusedError:
    """Say who was first, or what else kept a change from applying."""
    refuse_frozen(state)
    where = f"{change.model}@{change.alias}"
    if change.expect_epoch >= state.epoch:
        return RefusedError("the ledger passed the change over", where=where)
    first = state.applied[change.expect_epoch]
    version = f" version {first.change.version}" if first.change.version else ""
    return ConflictError(
        f"someone else was first: {first.change.op}{version} by {first.actor}",
        where=f"{where}, {first.told}",
        fix="compare with what is served now, and promote again",
    )
