"""MLflow's SQLite file is made whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from harness.ledger.connection import connected
from harness.ledger.database import prepare, sqlite_file

ROOT = Path(__file__).resolve().parents[2]


def test_clients_that_find_no_database_make_one_together(tmp_path: Path) -> None:
    program = "from harness.ledger.connection import connected\nwith connected(): pass"
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'new.db'}"}
    clients = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=ROOT)
        for _ in range(2)
    ]
    assert [client.wait() for client in clients] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["new.db"]


def test_what_a_killed_client_left_of_a_new_database_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = tmp_path / ".new.db.making"
    half.mkdir()
    (half / "made.db").write_bytes(b"half of a database")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'new.db'}")

    with connected() as server:
        assert server.client.search_experiments()
    assert not half.exists()


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("CREATE TABLE mine (x)")
    old.close()
    before = (tmp_path / "old.db").read_bytes()

    prepare(f"sqlite:///{tmp_path / 'old.db'}")

    assert (tmp_path / "old.db").read_bytes() == before


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "http://host:5000"])
def test_an_address_without_a_file_names_none(uri: str) -> None:
    assert sqlite_file(uri) is None
