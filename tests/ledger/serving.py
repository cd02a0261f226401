"""A real MLflow server on loopback, of one or more worker processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TRIES, _PAUSE_SECONDS = 600, 0.2


def unused_port() -> int:
    """Give a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(store: str, folder: Path, *, workers: int = 1) -> Iterator[str]:
    """Start MLflow on a database with its tables in it, and stop it after.

    Args:
        store: The database's address.
        folder: Where its artifacts and its log go.
        workers: How many processes answer.
    """
    port = unused_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(workers), "--backend-store-uri", store,
        "--artifacts-destination", str(folder / "served"),
    ]  # fmt: skip
    quiet = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its workers outlive the server
    }
    quiet.pop("MLFLOW_TRACKING_URI", None)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=quiet, start_new_session=True
        )
        try:
            _await(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(_TRIES):
        if process.poll() is not None:
            raise RuntimeError("the MLflow server ended at once")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                return
        except OSError:
            time.sleep(_PAUSE_SECONDS)
    raise RuntimeError("the MLflow server did not start")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server and its workers: its own process group and no other."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
