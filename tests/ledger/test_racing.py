"""Six processes promote at once and crash: only what passed is served, and in the end agreed.

tests/bench/promotion_race.py runs the same for longer.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.ledger.postgres import Postgres
from tests.ledger.serving import served

ROOT = Path(__file__).parents[2]


def race(uri: str, folder: Path, rounds: int, seed: int) -> dict[str, Any]:
    """Race in processes of their own, which have keys of their own."""
    (folder / "race").mkdir()
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": uri, "HARNESS_KEYS": str(folder / "keys"),
        "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.ledger.racing", str(folder / "race"),
               str(rounds), str(seed)]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any], rounds: int) -> None:
    """See that all six were accounted for each round, and that nothing went wrong."""
    assert found["wrong"] == []
    ended = ("acknowledged", "conflicts", "refused")
    writers = sum(found[how] for how in ended) + sum(found["crashes"].values())
    assert writers == 6 * rounds
    assert found["entries"] >= found["applied"] >= 1
    assert found["reads"] + found["reads_refused"] > 0


def test_on_sqlite(migrated: Path, tmp_path: Path) -> None:
    shutil.copyfile(migrated, tmp_path / "mlflow.db")

    check(race(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path, 2, 1), 2)


def test_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    check(race(postgres.new(), tmp_path, 2, 2), 2)


def test_over_http_with_two_workers(postgres: Postgres, tmp_path: Path) -> None:
    with served(postgres.new(), tmp_path, workers=2) as http:
        check(race(http, tmp_path, 1, 3), 1)
