"""The whole gate on real models and a real MLflow: what passes, what fails, what moves."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from harness.cli import main
from harness.spec.library import folder

SUITES = folder("suites")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return tmp_path


def alias(model: str) -> str | None:
    """Ask MLflow's own database, not our code."""
    with closing(sqlite3.connect("mlflow.db")) as database:
        rows = database.execute(
            "select version from registered_model_aliases where name = ? and alias = ?",
            (model, "champion"),
        ).fetchall()
    return str(rows[0][0]) if rows else None


def shortened(here: Path, prompts: int) -> Path:
    tree = yaml.safe_load((SUITES / "quickstart.yaml").read_text())
    tree["prompts"][0] |= {
        "file": str(SUITES / "prompts" / "business.jsonl"),
        "limit": prompts,
    }
    tree["generators"][0]["options"] |= {"dtype": "float32"}
    tree["strategies"] = tree["strategies"][:1]
    path = here / "short.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def test_a_real_model_passes_and_a_planted_bad_one_does_not_take_its_place(
    here: Path, assets: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assets("smollm2-135m-instruct")
    assets("toxblock")
    suite = shortened(here, 90)
    assert main(["gate", str(suite), "-p", "quickstart", "--model", "assistant"]) == 0
    assert "verdict   PASS" in capsys.readouterr().out
    assert alias("assistant") == "1"

    assert main(["gate", "planted_bad", "-p", "quickstart", "--model", "assistant"]) == 1
    told = capsys.readouterr().out
    assert "verdict   FAIL" in told
    assert "'champion' does not move: FAIL" in told
    assert alias("assistant") == "1"


def test_five_prompts_are_inconclusive_and_the_number_needed_is_printed(
    here: Path, assets: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assets("toxblock")
    (here / "five.jsonl").write_text(
        "".join(f'{{"prompt": "Ask {i}", "output": "We open at nine."}}\n' for i in range(5))
    )
    assert main(["init", "--outputs", "five.jsonl"]) == 0
    assert main(["gate", "suite.yaml", "-p", "policy.yaml", "--model", "few"]) == 2
    told = capsys.readouterr().out
    assert "5 prompts are too few; about 59 would decide" in told
    assert alias("few") is None
