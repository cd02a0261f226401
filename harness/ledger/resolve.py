"""Fetch the model that an alias serves: the ledger says which, its digest proves every byte."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import AlteredError, RefusedError
from harness.ledger.connection import Server, connected
from harness.ledger.contents import fetch, mismatches
from harness.ledger.entries import Entry
from harness.ledger.fold import fold
from harness.ledger.keys import PublicKey
from harness.ledger.promotions import name_of, read
from harness.ledger.registered import aliases_of
from harness.ledger.versions import UPLOAD_SECONDS

_URI = re.compile(r"models:/(?P<model>[^/:@]+)@(?P<alias>[\w-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A version that passed its gate, and a folder of its files, the caller's to delete."""

    model: str
    alias: str
    version: str
    folder: Path
    subject_digest: str
    entry: Entry


def resolve(
    uri: str, trusted: Mapping[str, PublicKey], *, within: Path | None = None
) -> Resolved:
    """Read an alias's ledger, and fetch the version that it serves if every byte is right.

    Args:
        uri: `models:/MODEL@ALIAS`.
        trusted: Whose signatures count.
        within: Where to make the folder for its files; among temporary ones where it is None.

    Raises:
        RefusedError: Nothing was promoted, or the address is none.
        AlteredError: The ledger, the alias or the version's files are not what they were.
        TrackingError: MLflow cannot be reached.
    """
    named = _URI.fullmatch(uri)
    if named is None:
        raise RefusedError("not an alias of a model", where=uri, fix="models:/MODEL@ALIAS")
    model, alias = named["model"], named["alias"]
    with connected(seconds=UPLOAD_SECONDS) as server:
        entry = _served(server, model, alias, trusted)
        place = Path(tempfile.mkdtemp(prefix="harness-", dir=within))
        try:
            folder = _fetched(server, entry, place)
        except BaseException:
            shutil.rmtree(place)
            raise
    return Resolved(
        model=model,
        alias=alias,
        version=entry.change.version,
        folder=folder,
        subject_digest=entry.change.subject,
        entry=entry,
    )


def _served(server: Server, model: str, alias: str, trusted: Mapping[str, PublicKey]) -> Entry:
    state = fold(read(server, model, alias, trusted).entries)
    stands = aliases_of(server, model).get(alias)
    serving = state.serving
    if serving is None and stands is None:
        raise RefusedError(
            f"nothing was promoted to {alias!r} of {model!r}", where=name_of(model, alias)
        )
    if serving is None or stands != serving.change.version:
        told = f"the ledger serves {serving.told}" if serving else "the ledger serves none"
        named = any(e.change.version == stands for e in state.applied)
        which = f"version {stands}" if stands else "no version: it, or its version, was deleted"
        raise AlteredError(
            f"{alias!r} of {model!r} stands for {which}, and {told}",
            where=name_of(model, alias)
            + ("" if named or not stands else f", which names version {stands} nowhere"),
            fix=f"harness registry reconcile {model}",
        )
    return serving


def _fetched(server: Server, entry: Entry, place: Path) -> Path:
    change = entry.change
    try:
        folder = fetch(server, change.model, change.version, place)
    except RefusedError as error:
        raise AlteredError(
            f"version {change.version} of {change.model!r} was deleted", where=entry.told
        ) from error
    if other := mismatches(folder, change.subject):
        raise AlteredError(
            f"version {change.version} of {change.model!r} is no longer what was promoted",
            where=f"{', '.join(other)}; {entry.told}",
            fix="roll back to another version, or restore the files in MLflow",
        )
    return folder
