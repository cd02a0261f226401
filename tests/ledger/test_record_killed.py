"""Whatever dies while a run is recorded, a retry leaves MLflow with everything once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.record_trials import DEATHS

TRIALS = (
    "undisturbed", "client_dies", "request_is_sent_again", "clients_come_together",
    "server_dies",
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def trials(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what each trial came to; they share one process that forks."""
    folder = tmp_path_factory.mktemp("killed")
    shutil.copyfile(migrated, folder / "empty.db")
    done = subprocess.run(
        [sys.executable, "-m", "tests.ledger.record_trials", str(folder), *TRIALS],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)) | {"said": done.stderr}


@pytest.mark.parametrize("name", TRIALS)
def test_everything_is_there_once_and_as_if_nothing_had_happened(
    trials: dict[str, Any], name: str
) -> None:
    assert trials[name]["wrong"] == []
    assert trials[name]["codes"][-1] == 0
    assert trials[name]["contents"] == trials["undisturbed"]["contents"]
    assert trials[name]["contents"]["candidate/nucleus"][0]["diversity.bleu/topic_299"] == 0.25


def test_clients_were_killed_where_it_hurts(trials: dict[str, Any]) -> None:
    assert trials["client_dies"]["codes"] == [-9] * len(DEATHS) + [0]
    assert trials["client_dies"]["untold"]


def test_clients_that_come_together_are_told_the_same(trials: dict[str, Any]) -> None:
    assert trials["clients_come_together"]["codes"] == [0, 0, 0, 0]
    assert trials["clients_come_together"]["told"] == 1


def test_a_server_that_dies_amid_is_told_with_how_to_send_the_run_later(
    trials: dict[str, Any],
) -> None:
    assert trials["server_dies"]["codes"] == [3, 0]
    assert "MLflow cannot be reached" in trials["said"]
    assert "send it later with: harness record" in trials["said"]
