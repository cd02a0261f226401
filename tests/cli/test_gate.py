"""`harness gate` where MLflow is not there when the verdict is."""

import json
import socket
from pathlib import Path

import pytest

from harness.cli import main
from harness.ledger.seal import verify
from tests.flow.suites import planted, write_policy, write_suite


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give a gate that passes, and an MLflow that nobody serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{probe.getsockname()[1]}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    suite = write_suite(tmp_path, "fine", planted(100, 0))
    policy = write_policy(tmp_path)
    return ["gate", str(suite), "--policy", str(policy), "--out", str(tmp_path / "run")]


def test_the_verdict_is_shown_and_the_run_is_whole_and_can_be_sent_later(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(asked) == 3
    told = capsys.readouterr()
    assert "verdict   PASS" in told.out
    assert "MLflow cannot be reached" in told.err
    assert f"send it later with: harness record {tmp_path / 'run'}" in told.err
    assert verify(tmp_path / "run")


def test_the_verdict_is_the_one_json_value(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked, "--json"]) == 3
    told = capsys.readouterr()
    assert json.loads(told.out)["outcome"] == "pass"
    assert "send it later" in told.err


def test_a_model_cannot_be_promoted_without_mlflow(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked, "--model", "m", "--no-mlflow"]) == 64
    assert "--no-mlflow" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
