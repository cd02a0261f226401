"""Model versions in MLflow's registry: made from a subject's files, and digested again."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.durable import write_json
from harness.errors import AlteredError, RefusedError
from harness.ledger.connection import Server, connected
from harness.ledger.evidence import Recorded
from harness.ledger.listing import list_files
from harness.ledger.subject import Subject, manifest_of

SUBJECT = "subject.json"
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
        if not _known(server, model):
            _make(server, model)
        for version in _versions(server, model):
            labelled = version.tags.get("harness.subject_digest") == subject.digest
            if labelled and not differences(server, model, version.version, subject):
                return str(version.version)
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
            for version in _versions(server, model)
        )


def served_seal(model: str, alias: str) -> str | None:
    """The seal of the run that moved an alias to where it stands; None where nothing is served.

    Raises:
        RefusedError: The alias was moved without a run of ours.
        TrackingError: MLflow cannot be reached.
    """
    with connected() as server:
        if not _known(server, model):
            return None
        version = aliases_of(server, model).get(alias)
        if version is None:
            return None
        seal = server.client.get_model_version(model, version).tags.get("harness.seal")
    if not seal:
        raise RefusedError(
            f"{alias!r} of {model!r} is version {version}, which no gate promoted",
            where=server.shown,
            fix="say what to compare with: --champion RUN, or --champion none",
        )
    return str(seal)


def aliases_of(server: Server, model: str) -> dict[str, str]:
    """Each alias of a model with the version it stands for.

    Raises:
        RefusedError: No model has that name.
    """
    if not (found := _known(server, model)):
        raise RefusedError(f"no registered model is called {model!r}", where=server.shown)
    return {alias: str(version) for alias, version in found.aliases.items()}


def differences(server: Server, model: str, version: str, subject: Subject) -> list[str]:
    """Download a version, digest it, and name the files that are not the subject's.

    Raises:
        RefusedError: The model has no such version.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        source = server.client.get_model_version_download_uri(model, version)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise RefusedError(f"{model!r} has no version {version}", where=server.shown) from error
    with tempfile.TemporaryDirectory() as scratch:
        fetched = mlflow.artifacts.download_artifacts(
            artifact_uri=source, dst_path=scratch, tracking_uri=server.uri
        )
        files = list_files(Path(fetched))
        stated = _stated(Path(fetched) / SUBJECT)
    files.pop(SUBJECT, None)
    names = files.keys() | subject.stored.keys()
    other = sorted(name for name in names if files.get(name) != subject.stored.get(name))
    return other or ([] if stated == manifest_of(subject) else [SUBJECT])


def _stated(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


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


def _known(server: Server, model: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return server.client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    return None


def _make(server: Server, model: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        server.client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _versions(server: Server, model: str) -> list[Any]:
    found = server.client.search_model_versions(f"name = '{model}'")
    return sorted(found, key=lambda version: -int(version.version))
