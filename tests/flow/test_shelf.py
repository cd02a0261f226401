"""What lies in a folder of runs: every run, whatever is wrong with it, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.flow.run import run
from harness.flow.sheet import sheet
from harness.flow.shelf import Entry, shelf

ROOT = Path(__file__).parents[2]
SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: shelved}
generators: [{use: echo, options: {batch: 2, fail_on: two}}]
prompts: [{items: [one, two, three]}]
seed: %d
scorers: [{use: length}, {use: diversity}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p, version: 1.0.0}
rules: [{id: words, require: {metric: length.empty_rate, op: "<=", value: %s}}]
"""


def write(folder: Path, *, seed: int = 7, value: str = "0.9") -> tuple[Path, Path]:
    (folder / "suite.yaml").write_text(SUITE % seed)
    (folder / "policy.yaml").write_text(POLICY % value)
    return folder / "suite.yaml", folder / "policy.yaml"


def killed(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch, *, judged: bool) -> None:
    """A run that was stopped before its first score."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    suite, policy = write(folder)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("harness.flow.run.score", stop)
        run(suite, policy if judged else None, out=out)


def only(folder: Path) -> Entry:
    (found,) = shelf(folder)
    return found


def test_a_judged_run_is_told_with_its_counts(tmp_path: Path) -> None:
    suite, policy = write(tmp_path)
    view, folder = run(suite, policy, out=tmp_path / "runs" / "a")
    found = only(tmp_path / "runs")
    assert (found.name, found.suite, found.policy) == ("a", "shelved", "p 1.0.0")
    assert found.told == str(view.outcome).upper()
    assert (found.cases, found.answered, found.failures) == (3, 2, 1)
    there = [p.stat().st_size for p in folder.rglob("*") if p.is_file()]
    assert found.size_bytes == sum(there)


def test_an_unjudged_and_an_unfinished_run_are_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(tmp_path, tmp_path / "runs" / "b", monkeypatch, judged=False)
    suite, _ = write(tmp_path)
    run(suite, out=tmp_path / "runs" / "a")
    states = {one.name: one.told for one in shelf(tmp_path / "runs")}
    assert states == {"a": "unjudged", "b": "unfinished 3 of 3"}


def test_a_changed_verdict_and_a_lost_part_and_a_lost_seal_are_altered(tmp_path: Path) -> None:
    suite, policy = write(tmp_path)
    for name in "abc":
        run(suite, policy, out=tmp_path / "runs" / name)
    decision = tmp_path / "runs" / "a" / "decision.json"
    decision.write_bytes(decision.read_bytes().replace(b'"inconclusive"', b'"pass"'))
    next((tmp_path / "runs" / "b" / "scores" / "length").iterdir()).unlink()
    (tmp_path / "runs" / "c" / "seal.json").unlink()
    found = {one.name: one for one in shelf(tmp_path / "runs")}
    assert {one.state for one in found.values()} == {"altered"}
    assert found["a"].reason == "changed: decision.json"
    assert found["b"].reason.startswith("removed: scores/length/part-")
    assert "seal is gone" in found["c"].reason


def test_what_cannot_be_read_is_a_row_and_what_is_no_run_is_none(tmp_path: Path) -> None:
    suite, policy = write(tmp_path)
    _, folder = run(suite, policy, out=tmp_path / "runs" / "good")
    for name in ("json", "parquet"):
        (tmp_path / "runs" / name / "cases").mkdir(parents=True)
        (tmp_path / "runs" / name / "outputs").mkdir()
    (tmp_path / "runs" / "json" / "manifest.json").write_text("{")
    (tmp_path / "runs" / "parquet" / "outputs" / "part-000000.parquet").write_bytes(b"no")
    (tmp_path / "runs" / "website").mkdir()
    (tmp_path / "runs" / "website" / "manifest.json").write_text('{"name": "app"}')
    (tmp_path / "runs" / "notes.txt").write_text("x")
    found = {one.name: one for one in shelf(tmp_path / "runs")}
    assert found.keys() == {"good", "json", "parquet"}
    assert found["json"].state == found["parquet"].state == "unreadable"
    assert "JSONDecodeError" in found["json"].reason
    assert "part-000000.parquet" in found["parquet"].reason
    assert found["good"].folder == folder


def test_the_newest_comes_first(tmp_path: Path) -> None:
    suite, policy = write(tmp_path)
    for name in ("first", "second", "third"):
        run(suite, policy, out=tmp_path / "runs" / name)
    assert [one.name for one in shelf(tmp_path / "runs")] == ["third", "second", "first"]


def test_an_absent_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no folder of runs"):
        shelf(tmp_path / "none")


def test_a_sheet_tells_arms_causes_sizes_and_the_way_on(tmp_path: Path) -> None:
    suite, policy = write(tmp_path)
    view, folder = run(suite, policy, out=tmp_path / "runs" / "a")
    found = sheet(folder)
    (arm,) = found["arms"]
    assert (arm["arm"], arm["verdict"]) == ("echo/default", view.verdicts[0].outcome)
    assert (arm["cases"], arm["ok"]) == (3, 2)
    (gap,) = arm["missing"]
    assert (gap["stage"], gap["count"]) == ("generate", 1)
    assert sum(found["bytes"].values()) == only(tmp_path / "runs").size_bytes
    assert {"cases", "outputs", "scores/length", "scores/diversity"} < found["bytes"].keys()
    assert found["next"] == [f"harness judge {folder}", f"harness report {folder}"]
    assert len(found["seal"]) == 64


def test_the_way_on_from_a_stopped_run_takes_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs" / "a"
    killed(tmp_path, out, monkeypatch, judged=False)
    (command,) = sheet(out)["next"]
    assert command == f"harness run {tmp_path / 'suite.yaml'} --out {out}"
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert only(tmp_path / "runs").told == "unjudged"
    (tmp_path / "suite.yaml").write_text(SUITE % 8)
    (out / "seal.json").unlink()
    (out / "decision.json").unlink()
    assert sheet(out)["next"] == [f"harness run SUITE --out {out}"]


def test_a_sheet_checks_every_file_against_the_seal(tmp_path: Path) -> None:
    suite, policy = write(tmp_path)
    _, folder = run(suite, policy, out=tmp_path / "runs" / "a")
    part = next((folder / "scores" / "length").iterdir())
    part.write_bytes(part.read_bytes() + b"x")
    found = sheet(folder)
    assert found["state"] == "altered"
    assert f"changed: scores/length/{part.name}" in found["reason"]
    assert found["next"] == [f"harness verify {folder}"]


def test_looking_loads_no_model_library(tmp_path: Path) -> None:
    suite, policy = write(tmp_path)
    _, folder = run(suite, policy, out=tmp_path / "runs" / "a")
    code = (
        "import sys; from pathlib import Path; from harness.flow.shelf import shelf\n"
        "from harness.flow.sheet import sheet; from harness.flow.sweep import useless\n"
        f"from datetime import UTC, datetime; runs = Path({str(folder.parent)!r})\n"
        "shelf(runs); sheet(runs / 'a'); useless(runs, datetime.now(UTC))\n"
        "sys.exit(','.join({'torch', 'transformers', 'mlflow'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
