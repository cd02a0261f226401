"""The commands about stored runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.shelf import _runs
from harness.flow.run import run
from tests.flow.test_shelf import write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    suite, policy = write(tmp_path)
    return run(suite, policy, out=Path("runs/a"))[1]


def test_runs_are_listed_shown_and_deleted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "list"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == [
        "run", "when", "suite", "policy", "verdict", "cases", "failed", "size"
    ]  # fmt: skip
    assert line.startswith("a ")
    assert "INCONCLUSIVE" in line

    assert main(["runs", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["cases"], listed["answered"], listed["failures"]) == (3, 2, 1)

    assert main(["runs", "show", "runs/a"]) == 0
    out = capsys.readouterr().out
    assert f"seal      {listed['seal']}" in out
    assert "arm       echo/default: INCONCLUSIVE, 2 ok of 3" in out
    assert out.endswith("next      harness judge runs/a\nnext      harness report runs/a\n")

    assert main(["runs", "gc", "--keep", "0"]) == 0
    assert "would be deleted, with --yes" in capsys.readouterr().out
    assert folder.is_dir()

    assert main(["runs", "gc", "--keep", "0", "--yes", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["deleted"] is True
    assert [item["path"] for item in done["going"]] == ["runs/a"]
    assert done["bytes"] == listed["bytes"]
    assert not folder.exists()


@pytest.mark.usefixtures("folder")
def test_tab_completes_the_folders_of_runs() -> None:
    Path("runs/other").mkdir()
    assert _runs("") == _runs("runs/") == ["runs/a"]
    assert _runs("runs/b") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "none"], "there is no run"),
        (["list", "none"], "no folder of runs"),
        (["gc", "runs", "--older-than", "soon"], "is no age"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_done_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", *arguments]) == 64
    assert said in capsys.readouterr().err
