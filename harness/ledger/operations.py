"""What else is done to an alias: rolled back, frozen, reconciled, and asked for its past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import ConflictError, RefusedError
from harness.ledger.changing import Promotion, change_alias, refuse_frozen, write
from harness.ledger.connection import Server, connected
from harness.ledger.entries import Author, Change, Entry, Op
from harness.ledger.fold import State, fold
from harness.ledger.keys import PublicKey
from harness.ledger.projection import project
from harness.ledger.promotions import Ledger, label_of, ledgers_of, name_of, read
from harness.ledger.registered import ATTEMPTS, aliases_of, pause, versions_of
from harness.ledger.versions import UPLOAD_SECONDS, differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """Where the alias stood, where its ledger has it, and labels that no entry bears out."""

    state: State
    before: str | None
    after: str | None
    unnamed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the ledger comes to, and whether it did so already before somebody asked for it."""

    state: State
    already: bool


def standing(model: str, alias: str, trusted: Mapping[str, PublicKey]) -> State:
    """Read what an alias's ledger comes to: what it serves, its epoch and its whole past.

    Raises:
        AlteredError: The ledger was changed.
        TrackingError: MLflow cannot be reached.
    """
    with connected() as server:
        return fold(read(server, model, alias, trusted).entries)


def freezes(model: str, trusted: Mapping[str, PublicKey]) -> dict[str, Entry]:
    """Read every ledger of a model, and give the freezes that hold, by the alias.

    Raises:
        AlteredError: A ledger was changed.
        TrackingError: MLflow cannot be reached.
    """
    with connected() as server:
        states = {
            alias: fold(read(server, model, alias, trusted).entries)
            for alias in ledgers_of(server, model)
        }
    return {alias: state.frozen for alias, state in states.items() if state.frozen}


def rollback(model: str, alias: str, version: str, author: Author) -> Promotion:
    """Serve a version again that was promoted before; it is not evaluated anew.

    Raises:
        RefusedError: The version was never promoted, is served already, is no longer what
            it was, or the alias is frozen.
        ConflictError: Someone else changed the alias first.
        AlteredError: The ledger was changed.
        TrackingError: MLflow cannot be reached.
    """
    with connected(seconds=UPLOAD_SECONDS) as server:
        ledger = read(server, model, alias, author.trusted)
        state = fold(ledger.entries)
        refuse_frozen(state)
        gated = state.gated(version)
        if gated is None:
            raise RefusedError(
                f"version {version} of {model!r} was never promoted to {alias!r}",
                where=ledger.name,
                fix="only what passed a gate can be served: harness promote",
            )
        if state.serving and state.serving.change.version == version:
            raise RefusedError(f"{alias!r} serves version {version} already", where=ledger.name)
        if other := differences(server, model, version, gated.change.subject):
            raise RefusedError(
                f"version {version} of {model!r} is no longer what was promoted",
                where=", ".join(other),
                fix="roll back to another version",
            )
        return change_alias(server, ledger, _change("rollback", ledger, state, gated), author)


def freeze(model: str, alias: str, author: Author) -> Held:
    """Let nothing change what the alias serves until it is unfrozen.

    Raises:
        RefusedError: No model has that name.
        AlteredError: The ledger was changed.
        TrackingError: MLflow does not take it.
    """
    return _insist("freeze", model, alias, author)


def unfreeze(model: str, alias: str, author: Author) -> Held:
    """Let the alias be changed again.

    Raises:
        RefusedError: No model has that name.
        AlteredError: The ledger was changed.
        TrackingError: MLflow does not take it.
    """
    return _insist("unfreeze", model, alias, author)


def reconcile(model: str, alias: str, trusted: Mapping[str, PublicKey]) -> Reconciled:
    """Finish what a crash left undone: set the alias and labels to what the ledger says.

    Raises:
        RefusedError: No model has that name.
        AlteredError: The ledger was changed, or the version it serves was deleted.
        TrackingError: MLflow cannot be reached.
    """
    with connected() as server:
        before = aliases_of(server, model).get(alias)
        state = project(server, model, alias, trusted).state
        after = state.serving.change.version if state.serving else None
        unnamed = _unnamed(server, model, alias, state)
    return Reconciled(state=state, before=before, after=after, unnamed=unnamed)


def _insist(op: Op, model: str, alias: str, author: Author) -> Held:
    """Freeze or unfreeze whatever is served: whoever is first meanwhile does not matter."""
    with connected() as server:
        aliases_of(server, model)
        for attempt in range(ATTEMPTS):
            ledger = read(server, model, alias, author.trusted)
            state = fold(ledger.entries)
            if (state.frozen is not None) == (op == "freeze"):
                return Held(state=state, already=True)
            change = _change(op, ledger, state, state.serving)
            try:
                return Held(state=write(server, ledger, change, author)[0], already=False)
            except ConflictError:
                pause(attempt)
    raise ConflictError(f"others change {alias!r} of {model!r} all the time", fix="try again")


def _change(op: Op, ledger: Ledger, state: State, like: Entry | None) -> Change:
    """A change that speaks of the version which an earlier entry promoted."""
    of = like.change if like else None
    return Change(
        op=op,
        model=ledger.model,
        alias=ledger.alias,
        version=of.version if of else "",
        subject=of.subject if of else "",
        decision=of.decision if of else "",
        expect_epoch=state.epoch,
        evidence=of.evidence if of else {},
    )


def _unnamed(server: Server, model: str, alias: str, state: State) -> tuple[str, ...]:
    """Versions whose labels say that they passed or were promoted, and no entry does."""
    label, ledger = label_of(alias), name_of(model, alias)
    named = {f"{ledger}#{e.number}": e.change.version for e in state.applied}
    found = []
    for version in versions_of(server, model):
        own = version.tags.get(label)
        promoted = any(tag.startswith(label_of("")) for tag in version.tags)
        if own is not None and named.get(own) != str(version.version):
            found.append(f"version {version.version}: {label} is {own}")
        elif version.tags.get("harness.outcome") and not promoted:
            found.append(f"version {version.version}: harness.outcome, and no promotion")
    return tuple(found)
