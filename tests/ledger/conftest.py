"""A real MLflow for each test: a migrated SQLite file, copied; and one over HTTP."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.ledger.connection import connected


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def http_uri(
    migrated: Path, tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Start a real MLflow server on loopback, which is the one in use, and stop it after."""
    shutil.copyfile(migrated, tmp_path / "server.db")
    uri = f"http://127.0.0.1:{free_port}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1",
        "--port", str(free_port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}",
        "--artifacts-destination", str(tmp_path / "served"),
    ]  # fmt: skip
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet.pop("MLFLOW_TRACKING_URI", None)
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=tmp_path, env=quiet, start_new_session=True
        )
        try:
            _await(free_port, process)
            monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
            yield uri
        finally:
            _stop(process)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail("the MLflow server ended at once")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the MLflow server did not start")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server and its workers: its own process group and no other."""
    import signal

    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
