"""`harness compare`: two tables, one JSON value, a page."""

import json
from pathlib import Path

import pytest

from harness.cli import main
from tests.flow.suites import planted
from tests.flow.test_compare import both


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(both(tmp_path, planted(100, 40), planted(100, 2)))


def test_both_tables_and_the_choice_are_printed(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", folder]) == 0
    out = capsys.readouterr().out
    assert "new/default *" in out
    assert "▲" in out
    assert "choice    new/default is better" in out
    assert "Holm" in out


def test_json_is_one_value(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", folder, "--json", "--correct", "bh"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recommended"] == "new/default"
    assert found["correction"] == "bh"


def test_a_page_is_written(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", folder, "--html", str(tmp_path / "page.html")]) == 0
    assert "page.html" in capsys.readouterr().out
    assert "Side by side" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--against", "nwe/default"], "did you mean 'new/default'"),
        (["--metric", "safety"], "no CONCERN=METRIC"),
        (["--metric", "safety=privacy.leek_rate"], "privacy.leak_rate"),
        (["--metric", "saftey=privacy.leak_rate"], "did you mean 'safety'"),
        (["--metric", "a=privacy.leak_rate", "--metric", "a=length.words"], "chosen for 'a'"),
    ],
)
def test_a_slip_is_said_with_what_was_meant(
    folder: str, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", folder, *more]) == 64
    assert said in capsys.readouterr().err


def test_a_page_is_written_into_a_folder_that_is_there(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "not" / "there"
    assert main(["compare", folder, "--html", str(nowhere / "page.html")]) == 64
    assert f"mkdir -p {nowhere}" in capsys.readouterr().err
    assert not nowhere.parent.exists()
    assert main(["compare", folder, "--html", str(tmp_path)]) == 64
    assert "a folder, not a page" in capsys.readouterr().err


def test_the_table_names_the_metric_in_full(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", folder]) == 0
    out = capsys.readouterr().out
    assert "privacy ↓" in out
    assert "privacy." in out
    assert "leak_rate" in out
