"""Model versions in MLflow's registry: made from a subject's files, and digested again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.durable import write_json
from harness.errors import AlteredError, RefusedError
from harness.ledger.connection import Server, connected
from harness.ledger.contents import SUBJECT, fetch, mismatches
from harness.ledger.evidence import Recorded
from harness.ledger.fold import fold
from harness.ledger.keys import trusted
from harness.ledger.listing import list_files
from harness.ledger.promotions import read
from harness.ledger.registered import aliases_of, known, make, versions_of
from harness.ledger.subject import Subject, manifest_of

UPLOAD_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One version of a model, the aliases on it, and what its labels say of it."""

    version: str
    aliases: tuple[str, ...]
    outcome: str | None
    run_id: str | None
    subject_digest: str | None


def register(subject: Subject, recorded: Recorded, model: str, *, folder: Path | None) -> str:
    """Make a model version that holds the subject's files, or find the one that does.

    Args:
        subject: What was evaluated.
        recorded: The run in MLflow that the files are logged to.
        model: The registered model's name; made where it is absent.
        folder: Where the subject's files lie, where weights are vouched for.

    Returns:
        The version's number.

    Raises:
        AlteredError: The folder does not hold the subject's files.
        RefusedError: There is no folder, or a file of the model is called `subject.json`.
        TrackingError: MLflow cannot be reached, or refuses what it is sent.
    """
    _check_folder(subject, folder)
    with connected(seconds=UPLOAD_SECONDS) as server:
        if not known(server, model):
            make(server, model)
        if (holds := holding(server, model, subject)) is not None:
            return holds
        path = f"model-{subject.digest[:12]}"
        if folder is not None and subject.stored:
            server.client.log_artifacts(recorded.parent, str(folder), path)
        with tempfile.TemporaryDirectory() as scratch:
            write_json(Path(scratch) / SUBJECT, manifest_of(subject))
            server.client.log_artifacts(recorded.parent, scratch, path)
        made = server.client.create_model_version(
            model,
            source=f"runs:/{recorded.parent}/{path}",
            run_id=recorded.parent,
            tags={
                "harness.subject_digest": subject.digest,
                "harness.identity": subject.identity,
                "harness.run_id": recorded.run_id,
                "harness.seal": recorded.seal,
            },
        )
        return str(made.version)


def holding(server: Server, model: str, subject: Subject) -> str | None:
    """The newest version that holds exactly the subject's files; None where none does."""
    for version in reversed(versions_of(server, model)):
        labelled = version.tags.get("harness.subject_digest") == subject.digest
        if labelled and not differences(server, model, version.version, subject.digest):
            return str(version.version)
    return None


def status(model: str) -> tuple[Standing, ...]:
    """List a model's versions, the newest first. Labels are shown as found, not checked.

    Raises:
        RefusedError: No model has that name.
        TrackingError: MLflow cannot be reached.
    """
    with connected() as server:
        aliases = aliases_of(server, model)
        return tuple(
            Standing(
                version=str(version.version),
                aliases=tuple(
                    sorted(a for a, v in aliases.items() if v == str(version.version))
                ),
                outcome=version.tags.get("harness.outcome"),
                run_id=version.tags.get("harness.run_id"),
                subject_digest=version.tags.get("harness.subject_digest"),
            )
            for version in reversed(versions_of(server, model))
        )


def served_seal(model: str, alias: str) -> str | None:
    """The seal of the run that the served version was promoted on; None where nothing is.

    Raises:
        AlteredError: The alias was moved without a gate, or its ledger was changed.
        TrackingError: MLflow cannot be reached.
    """
    with connected() as server:
        serving = fold(read(server, model, alias, trusted()).entries).serving
    return serving.change.evidence["seal"] if serving else None


def differences(server: Server, model: str, version: str, digest: str) -> list[str]:
    """Download a version, digest it, and name the files that are not the subject's.

    Raises:
        RefusedError: The model has no such version.
    """
    with tempfile.TemporaryDirectory() as scratch:
        return mismatches(fetch(server, model, version, Path(scratch)), digest)


def _check_folder(subject: Subject, folder: Path | None) -> None:
    if subject.identity != "weights":
        return
    if folder is None:
        raise RefusedError("there is no folder to take the model from", where=subject.name)
    if SUBJECT in subject.files:
        raise RefusedError(
            f"a file of the model is called {SUBJECT}, which the registry needs",
            where=str(folder),
        )
    now = list_files(folder)
    names = now.keys() | subject.files.keys()
    other = sorted(name for name in names if now.get(name) != subject.files.get(name))
    if other:
        raise AlteredError(
            "the folder does not hold the model that was evaluated",
            where=f"{folder}: {', '.join(other)}",
        )
