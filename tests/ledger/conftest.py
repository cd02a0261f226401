"""A real MLflow for each test: a migrated SQLite file, copied; and one over HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.ledger.connection import connected
from tests.ledger.postgres import Postgres, binaries, required, started
from tests.ledger.serving import served, unused_port


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an MLflow database with its tables and nothing else; making it takes seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
        with connected():
            pass
    return path


@pytest.fixture
def mlflow_uri(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give an empty MLflow of the test's own, which is the one in use."""
    shutil.copyfile(migrated, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    return uri


@pytest.fixture
def client(mlflow_uri: str) -> Iterator[Any]:
    """Give a client of that MLflow."""
    with connected() as server:
        yield server.client


@pytest.fixture
def free_port() -> int:
    """Give a loopback port that nothing listens on."""
    return unused_port()


@pytest.fixture
def http_uri(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a real MLflow server on loopback, which is the one in use, and stop it after."""
    shutil.copyfile(migrated, tmp_path / "server.db")
    with served(f"sqlite:///{tmp_path / 'server.db'}", tmp_path) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        yield uri


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL server, and stop it after the last test."""
    programs = binaries()
    if programs is None:
        (pytest.fail if required() else pytest.skip)("PostgreSQL is absent: make database")
    with started(programs) as server:
        yield server
