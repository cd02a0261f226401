"""Open MLflow quietly, wherever it is, and turn its failures into the harness's own."""

from __future__ import annotations

import logging
import os
import shlex
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from harness.errors import TrackingError
from harness.ledger.database import placed, prepare, sqlite_file

DEFAULT_URI = "sqlite:///mlflow.db"
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""MLflow's own defaults wait four minutes for a server that is not there."""
_LOGGERS = ("mlflow", "alembic", "urllib3")


@dataclass(frozen=True, slots=True)
class Server:
    """An open MLflow: its client, and its address with and without the password."""

    client: Any
    uri: str
    shown: str


@contextmanager
def connected(*, root: Path | None = None, seconds: int = 30) -> Iterator[Server]:
    """Open the MLflow that `MLFLOW_TRACKING_URI` names, or a file in this folder.

    Inside, MLflow neither logs nor warns nor reports to its makers, and asks a
    silent server again three times, unless its environment variables say
    otherwise.

    Args:
        root: The run being sent, which an error then says is safe.
        seconds: How long to wait for one answer; a big upload needs more.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses what it is sent.
    """
    uri = placed(tracking_uri())
    with quiet(seconds=seconds):
        import mlflow
        from mlflow.exceptions import MlflowException
        from requests.exceptions import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            prepare(uri)
            yield Server(mlflow.MlflowClient(tracking_uri=uri), uri, shown(tracking_uri()))
        except (MlflowException, RequestException, SQLAlchemyError) as error:
            raise _failure(error, uri, root) from error


@contextmanager
def quiet(*, seconds: int = 30) -> Iterator[None]:
    """Load MLflow, and keep it from logging, warning and reporting to its makers.

    Args:
        seconds: How long it may wait for one answer.
    """
    defaults = _DEFAULTS | {"MLFLOW_HTTP_REQUEST_TIMEOUT": str(seconds)}
    with _environment(defaults), _unwarned():
        import mlflow  # noqa: F401 -- its import sets the levels of loggers

        with _unlogged():
            yield


def tracking_uri() -> str:
    """The address of MLflow in use."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def ui_command() -> str:
    """The command that opens MLflow's page for the address in use."""
    uri = tracking_uri()
    if urlsplit(uri).scheme in ("http", "https"):
        return f"python -m webbrowser {shlex.quote(shown(uri))}"
    if shown(uri) != uri:
        return 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'
    return f"mlflow ui --backend-store-uri {shlex.quote(uri)}"


def shown(uri: str) -> str:
    """An address without its user and password."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def artifact_location(uri: str) -> str | None:
    """Where a new experiment keeps files: beside an SQLite file, else the server's choice."""
    path = sqlite_file(uri)
    return None if path is None else (path.parent / "mlartifacts").as_uri()


def _failure(error: Exception, uri: str, root: Path | None) -> TrackingError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    reason = f"MLflow did not take it: {reason.replace(uri, shown(uri))[:300]}"
    if "failed with exception" in reason or "Connection" in type(error).__name__:
        reason = "MLflow cannot be reached"
    fix = "see that MLFLOW_TRACKING_URI names a server that is up"
    invalid = getattr(error, "error_code", "") == "INVALID_PARAMETER_VALUE"
    if invalid and not type(error).__name__.startswith("Unsupported"):  # that is of an address
        fix = "give what it names another name or value"
    if getattr(error, "error_code", "") in ("PERMISSION_DENIED", "UNAUTHENTICATED"):
        reason = "MLflow does not allow it to this user"
        fix = "have EDIT granted: on the experiment to record; on model and ledger to promote"
    if root:
        fix = f"the run is safe in {root}; send it later with: harness record {root}"
    return TrackingError(reason, where=shown(uri), fix=fix)


@contextmanager
def _environment(defaults: Mapping[str, str]) -> Iterator[None]:
    """Set variables that the user has not set, for the time being."""
    missing = [name for name in defaults if name not in os.environ]
    os.environ.update({name: defaults[name] for name in missing})
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


@contextmanager
def _unwarned() -> Iterator[None]:
    """Keep back warnings about MLflow's own code, which no user of the harness can act on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(mlflow|alembic)(\.|$)")
        yield


@contextmanager
def _unlogged() -> Iterator[None]:
    """Raise MLflow's loggers to errors; its import sets their levels, so do this after it."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
