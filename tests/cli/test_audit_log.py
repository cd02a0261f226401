"""`harness audit-log`: whole or not, and what was done last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.ledger import audit


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a log of 25 entries, which is the one in use."""
    monkeypatch.setenv("HARNESS_AUDIT_LOG", str(tmp_path / "audit.jsonl"))
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "keys"))
    for number in range(25):
        audit.note("promote", {}, about={"run": f"demo-{number}", "seal": "ab" * 32})
    return tmp_path / "audit.jsonl"


def test_a_whole_log_is_told_with_the_checkpoint_to_keep(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit-log", "verify"]) == 0
    out = capsys.readouterr().out
    assert "whole     25 entries" in out
    assert f"head      {audit.head()}" in out


def test_json_is_one_value(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit-log", "verify", str(log), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "path": str(log), "entries": 25, "head": str(audit.head()), "unfinished": 0,
    }  # fmt: skip


def test_a_tail_that_was_cut_off_exits_3_against_the_checkpoint(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = str(audit.head())
    assert main(["audit-log", "verify", "--checkpoint", kept]) == 0
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:24]))
    assert main(["audit-log", "verify"]) == 0
    assert main(["audit-log", "verify", "--checkpoint", kept]) == 3
    assert "cut off" in capsys.readouterr().err


def test_an_edited_log_exits_3_and_names_the_line(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(log.read_text().replace("demo-7", "demo-8"))
    assert main(["audit-log", "verify"]) == 3
    assert f"{log}:8" in capsys.readouterr().err


def test_the_last_twenty_are_shown_with_digests_cut(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit-log", "show"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 20
    assert lines[-1].startswith("   25  ")
    assert lines[-1].endswith("run demo-24, seal abababababab")


def test_a_log_that_is_not_there_exits_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit-log", "verify", str(tmp_path / "none.jsonl")]) == 3
    assert "there is no audit log" in capsys.readouterr().err
