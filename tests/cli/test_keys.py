"""The commands about keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_a_key_is_made_shown_and_trusted_elsewhere(
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["keys", "init", "--name", "ann"]) == 0
    assert str(place / "signing.pem") in capsys.readouterr().out

    assert main(["keys", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["own"]["name"] == "ann"

    (tmp_path / "ann.pem").write_text(shown["own"]["pem"])
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "others"))
    assert main(["keys", "trust", str(tmp_path / "ann.pem")]) == 0
    assert main(["keys", "show"]) == 0
    out = capsys.readouterr().out
    assert f"trusted   {shown['own']['key_id'][:16]}  ann" in out


def test_a_second_key_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "init"]) == 0
    assert main(["keys", "init"]) == 3
    assert "there is a key already" in capsys.readouterr().err
