"""The alias and labels of a model in MLflow, made to say what its ledger says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from harness.errors import AlteredError, RefusedError, TrackingError
from harness.ledger.connection import Server
from harness.ledger.entries import Entry
from harness.ledger.fold import State, fold
from harness.ledger.keys import PublicKey
from harness.ledger.promotions import label_of, name_of, read
from harness.ledger.registered import ATTEMPTS, aliases_of, patiently, pause, set_alias

_LABELS = {
    "run_id": "run_id", "seal": "seal", "policy_digest": "policy_sha256",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Projected:
    """What the ledger comes to, and how often the alias had to be set to agree with it."""

    state: State
    repairs: int


def project(
    server: Server, model: str, alias: str, trusted: Mapping[str, PublicKey]
) -> Projected:
    """Set the alias until it stands for the version that the ledger serves.

    The ledger is read again after each setting: whoever set it by an older reading
    sees so, and sets it anew. Labels are for people and searches; nobody believes them.

    Raises:
        AlteredError: The ledger was changed, or the version that it serves was deleted.
        TrackingError: Others move the alias all the time.
    """
    for repairs in range(ATTEMPTS):
        state = fold(read(server, model, alias, trusted).entries)
        wanted = state.serving.change.version if state.serving else None
        if aliases_of(server, model).get(alias) == wanted:
            if state.serving:
                _label(server, state.serving)
            return Projected(state, repairs)
        if repairs:
            pause(repairs - 1)
        _set(server, state, (model, alias), wanted)
    raise TrackingError(
        f"{alias!r} of {model!r} does not stay where its ledger puts it",
        where=f"{server.shown}: others move it by hand",
        fix=f"what was promoted is in the ledger; later: harness registry reconcile {model}",
    )


def _set(server: Server, state: State, served: tuple[str, str], wanted: str | None) -> None:
    try:
        set_alias(server, *served, wanted)
    except RefusedError as error:
        entry = state.serving.told if state.serving else ""
        raise AlteredError(
            f"version {wanted} of {served[0]!r} is served by its ledger and was deleted",
            where=f"{name_of(*served)}, {entry}",
            fix="promote another version, or roll back to an earlier one",
        ) from error


def _label(server: Server, entry: Entry) -> None:
    """Label the version with what its entry says, where it is not yet."""
    change = entry.change
    labels = {f"harness.{tag}": change.evidence.get(key, "") for tag, key in _LABELS.items()}
    labels |= {
        "harness.outcome": "pass",
        "harness.decision": change.decision,
        "harness.subject_digest": change.subject,
        label_of(change.alias): f"{name_of(change.model, change.alias)}#{entry.number}",
    }
    tags = server.client.get_model_version(change.model, change.version).tags
    for name, value in labels.items():
        if tags.get(name) != value:
            setting = server.client.set_model_version_tag
            patiently(partial(setting, change.model, change.version, name, value))
