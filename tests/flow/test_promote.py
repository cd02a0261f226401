"""Registering and moving an alias on a real MLflow database."""

from pathlib import Path

import pytest

from harness.errors import AlteredError, RefusedError
from harness.flow.promote import promote
from harness.flow.record import record
from harness.flow.assess import review
from harness.flow.run import run

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: corpus}
generators: [{name: one, use: files, options: {file: out.jsonl}}]
prompts: [{file: out.jsonl}]
scorers: [{use: length}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules: [{id: words, require: {metric: length.empty_rate, op: OP, value: 0.5}}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    rows = [f'{{"prompt": "ask {i}", "output": "one two three {i}"}}\n' for i in range(9)]
    (tmp_path / "out.jsonl").write_text("".join(rows))
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "pass.yaml").write_text(POLICY.replace("OP", "'<='"))
    (tmp_path / "fail.yaml").write_text(POLICY.replace("OP", "'>='"))
    return tmp_path


def test_only_a_pass_moves_the_alias_and_the_same_subject_is_one_version(here: Path) -> None:
    view, folder = run("suite.yaml", "fail.yaml", out="a")
    record(view, folder)
    refused = promote(view, folder, "m", "champion")
    assert (refused["moved"], refused["version"]) == (False, "1")

    view, folder = run("suite.yaml", "pass.yaml", out="a")
    record(view, folder)
    moved = promote(view, folder, "m", "champion")
    assert (moved["moved"], moved["version"], moved["previous"]) == (True, "1", None)

    view, folder = run("suite.yaml", "fail.yaml", out="a")
    record(view, folder)
    assert promote(view, folder, "m", "champion")["moved"] is False


def test_a_run_that_was_not_recorded_promotes_nothing(here: Path) -> None:
    view, folder = run("suite.yaml", "pass.yaml", out="a")
    with pytest.raises(RefusedError, match="was not recorded"):
        promote(view, folder, "m", "champion")


def test_a_run_changed_after_it_was_judged_promotes_nothing(here: Path) -> None:
    view, folder = run("suite.yaml", "pass.yaml", out="a")
    record(view, folder)
    decision = folder / "decision.json"
    decision.write_bytes(decision.read_bytes().replace(b"pass", b"PASS"))
    with pytest.raises(AlteredError, match="decision"):
        promote(review(folder), folder, "m", "champion")


def test_an_unknown_generator_is_named(here: Path) -> None:
    view, folder = run("suite.yaml", "pass.yaml", out="a")
    record(view, folder)
    with pytest.raises(RefusedError, match="no generator 'two'"):
        promote(view, folder, "m", "champion", generator="two")


def test_recording_says_where_and_how_to_look(here: Path) -> None:
    view, folder = run("suite.yaml", "pass.yaml", out="a")
    first, second = record(view, folder), record(view, folder)
    assert first["run"] == second["run"]
    assert first["next"][0].startswith("look with: mlflow ui")
