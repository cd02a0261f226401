"""An MLflow server that can be killed as the kernel kills, and started again on its port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.ledger.serving import unused_port

_TRIES, _PAUSE_SECONDS = 600, 0.1


class Mortal:
    """A server of one worker on a database with its tables in it."""

    def __init__(self, store: str, folder: Path) -> None:
        self._store, self._folder, self._port = store, folder, unused_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Mortal:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.kill()
        self.buried()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1",
            "--port", str(self._port), "--workers", "1", "--backend-store-uri", self._store,
            "--artifacts-destination", str(self._folder / "served"),
        ]  # fmt: skip
        quiet = os.environ | {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its workers outlive the server
        }
        quiet.pop("MLFLOW_TRACKING_URI", None)
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, env=quiet,
                start_new_session=True,
            )  # fmt: skip
        self._await(listening=True)

    def kill(self) -> None:
        """End it and its workers where they stand: its own process group and no other."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def buried(self) -> None:
        """Wait for it and its workers to be gone, so that its port is free."""
        if self._process is not None:
            self._process.wait(20)
            self._await(listening=False)

    def _await(self, *, listening: bool) -> None:
        for _ in range(_TRIES):
            if self._listens() == listening:
                return
            time.sleep(_PAUSE_SECONDS)
        raise RuntimeError(f"the MLflow server does not {'start' if listening else 'end'}")

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=2):
                return True
        except OSError:
            return False
