"""The ledger of an alias in MLflow: read whole and checked, and added to once.

MLflow moves an alias for whoever asks last, and keeps no history. What it does
guarantee is that the versions of a registered model are numbered without gaps, each
made in one transaction with its tags. So the ledger is a registered model of its own,
`<model>.<alias>.promotions`, whose versions are the entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import AlteredError, TrackingError
from harness.ledger.connection import Server
from harness.ledger.entries import NOTHING, Author, Change, Entry, read_entry, signed
from harness.ledger.heads import Heads
from harness.ledger.keys import PublicKey
from harness.ledger.registered import (
    ATTEMPTS,
    FINAL,
    aliases_of,
    check_alias,
    known,
    make,
    pause,
    versions_of,
)

ENTRY = "harness.entry"
_PAGE = 1000
_SOURCE = "harness:/promotion"
"""A version must have a source, and it may be of any scheme; an entry is all in its tag."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The entries of a model's alias, every one of them checked, and when it was made."""

    model: str
    alias: str
    entries: tuple[Entry, ...]
    born: int | None

    @property
    def name(self) -> str:
        """The registered model that holds it."""
        return name_of(self.model, self.alias)

    @property
    def last(self) -> Entry | None:
        """The last entry, applied or not."""
        return self.entries[-1] if self.entries else None


def name_of(model: str, alias: str) -> str:
    """The name of a ledger. An alias has no dot in it, so no two share one."""
    return f"{model}.{alias}.promotions"


def ledgers_of(server: Server, model: str) -> list[str]:
    """The aliases of a model that have a ledger, whether or not they stand for a version."""
    first, last = name_of(model, "\n").split("\n")
    found: list[str] = []
    token = None
    while True:
        page = server.client.search_registered_models(
            f"name LIKE '{first}%{last}'", max_results=_PAGE, page_token=token
        )
        names = [str(one.name) for one in page]  # `_` stands for any letter in a pattern
        found += [
            name.removeprefix(first).removesuffix(last)
            for name in names
            if name.startswith(first)
        ]
        token = page.token
        if not token:
            return sorted(alias for alias in found if "." not in alias)


def label_of(alias: str) -> str:
    """The tag that says of a model's version which ledger put the alias on it: `name#entry`."""
    return f"harness.promotion.{alias}"


def read(server: Server, model: str, alias: str, trusted: Mapping[str, PublicKey]) -> Ledger:
    """Read a whole ledger, and check each signature, each link and that nothing is missing.

    Raises:
        AlteredError: An entry was changed, deleted or forged, entries were cut off that
            this machine has seen, or the ledger is gone and an alias or label remains.
        TrackingError: MLflow cannot be reached.
    """
    name = name_of(model, alias)
    heads = Heads(server, name)
    born = _born(server, name)
    entries: list[Entry] = []
    for number, version in enumerate(versions_of(server, name), start=1):
        where = f"{name}, entry {number}"
        if int(version.version) != number:
            raise AlteredError("an entry of the ledger was deleted", where=where, fix=_RESTORE)
        text = version.tags.get(ENTRY)
        if text is None:
            raise AlteredError("an entry of the ledger has lost its text", where=where)
        entry = read_entry(number, text, trusted, where)
        if (entry.change.model, entry.change.alias, entry.born) != (model, alias, born):
            raise AlteredError("the entry was written to another ledger", where=where)
        _check_link(entry, entries, where)
        entries.append(entry)
    heads.check(entries)
    if not entries:
        _refuse_traces(server, model, alias)
    heads.note(entries)
    return Ledger(model, alias, tuple(entries), born)


def append(
    server: Server, ledger: Ledger, change: Change, author: Author
) -> tuple[Ledger, Entry]:
    """Add one entry; return the ledger read again, and its first entry that asks for this.

    After a failure that leaves it uncertain whether MLflow wrote the entry, the ledger
    is read again, and the entry sent again only where it is not found. Should both
    arrive, they ask for the same and count once.

    Raises:
        AlteredError: The ledger is no longer what it was.
        RefusedError: MLflow would never let the alias be set.
        TrackingError: MLflow does not take it.
    """
    from mlflow.exceptions import MlflowException

    check_alias(ledger.alias)
    if (born := ledger.born) is None:
        make(server, ledger.name)
        born = _born(server, ledger.name)
    text = signed(change, ledger.last, author, born=born or 0)
    for attempt in range(ATTEMPTS):
        try:
            _write(server, ledger.name, text)
        except MlflowException as error:
            if error.error_code in FINAL:
                raise
            pause(attempt)
        now = read(server, ledger.model, ledger.alias, author.trusted)
        if (entry := _own(now, change)) is not None:
            return now, entry
    raise TrackingError(
        f"MLflow did not take the entry in {ATTEMPTS} attempts",
        where=f"{ledger.name} at {server.shown}",
        fix="try again: an entry that did arrive is found and counts once",
    )


def _own(ledger: Ledger, change: Change) -> Entry | None:
    """The first entry that asks for exactly this."""
    intent = change.intent
    return next((e for e in ledger.entries if e.change.intent == intent), None)


def _write(server: Server, name: str, text: str) -> None:
    server.client.create_model_version(
        name, source=_SOURCE, tags={ENTRY: text}, await_creation_for=0
    )


def _born(server: Server, name: str) -> int | None:
    """When MLflow made the ledger: nobody can set it, and a ledger made anew has another."""
    found = known(server, name)
    return None if found is None else int(found.creation_timestamp)


def _check_link(entry: Entry, before: list[Entry], where: str) -> None:
    linked = entry.seen < entry.number and entry.prev == (
        before[entry.seen - 1].digest if entry.seen else NOTHING
    )
    if not linked:
        raise AlteredError(
            f"the entry names another entry {entry.seen} than the one that is there",
            where=where,
            fix=_RESTORE,
        )


def _refuse_traces(server: Server, model: str, alias: str) -> None:
    """Refuse an absent ledger where something says that there was one."""
    if known(server, model) is None:
        return
    label = label_of(alias)
    traces = [
        f"version {version.version} is labelled {label}"
        for version in versions_of(server, model)
        if version.tags.get(label, "").startswith(f"{name_of(model, alias)}#")
    ]
    if standing := aliases_of(server, model).get(alias):
        traces.insert(0, f"{alias!r} stands for version {standing}")
    if traces:
        raise AlteredError(
            f"{model!r} has no ledger of {alias!r}, and yet {traces[0]}",
            where=name_of(model, alias),
            fix="restore MLflow's database; if no gate ever moved this alias, delete it "
            f"(and any tag {label}) in MLflow, and promote again",
        )


_RESTORE = "restore MLflow's database from a backup, or give the model another alias"

__all__ = ["ENTRY", "Ledger", "append", "label_of", "ledgers_of", "name_of", "read"]
