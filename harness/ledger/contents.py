"""The files of a registered version: fetched, and held against a subject's digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import digests
from harness.errors import RefusedError
from harness.ledger.connection import Server
from harness.ledger.listing import list_files

SUBJECT = "subject.json"


def fetch(server: Server, model: str, version: str, target: Path) -> Path:
    """Download a version to a folder, and return where its files lie.

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
    return Path(
        mlflow.artifacts.download_artifacts(
            artifact_uri=source, dst_path=str(target), tracking_uri=server.uri
        )
    )


def mismatches(folder: Path, digest: str) -> list[str]:
    """Name the files that are not those of the subject with this digest.

    The subject's own description lies beside its files. It is believed only where it
    has that digest, and it then says which files there must be, and no other.

    Raises:
        AlteredError: The folder holds a link.
    """
    files = list_files(folder)
    stated = _stated(folder / SUBJECT)
    files.pop(SUBJECT, None)
    described = {key: stated.get(key) for key in ("identity", "files", "config")}
    if stated.get("digest") != digest or digests.of_json(described) != digest:
        return [SUBJECT]
    wanted: Mapping[str, str] = stated["files"] if stated["identity"] == "weights" else {}
    names = files.keys() | wanted.keys()
    return sorted(name for name in names if files.get(name) != wanted.get(name))


def _stated(path: Path) -> dict[str, Any]:
    try:
        stated = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return stated if isinstance(stated, dict) else {}
