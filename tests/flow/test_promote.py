"""Registering and moving an alias on a real MLflow database."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.errors import AlteredError, RefusedError, WaiverError
from harness.flow.assess import rejudge, review
from harness.flow.gate import Target, gate
from harness.flow.promote import Asked, promote
from harness.flow.record import record
from harness.flow.run import Options, run
from tests.flow.test_rules import WAIVERS

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


def test_a_run_judged_again_since_it_was_recorded_says_to_record_it(here: Path) -> None:
    view, folder = run("suite.yaml", "pass.yaml", out="a")
    record(view, folder)
    view = rejudge(folder, here / "fail.yaml")
    with pytest.raises(RefusedError, match="judged again since it was recorded") as raised:
        promote(view, folder, "m", "champion")
    assert raised.value.fix == "harness record a"
    record(view, folder)
    assert promote(view, folder, "m", "champion")["version"] == "1"


def test_a_promotion_tells_what_the_model_came_to_under_another_policy(here: Path) -> None:
    strict = POLICY.replace("name: p", "name: strict, version: 2.0.0").replace("OP", "'>='")
    (here / "fail.yaml").write_text(strict)
    run("suite.yaml", "fail.yaml", out="a")
    view, folder = run("suite.yaml", "pass.yaml", out="a")
    record(view, folder)
    moved = promote(view, folder, "m", "champion")
    assert moved["moved"]
    assert "was FAIL under policy strict 2.0.0 on " in moved["next"][0]


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
        promote(view, folder, "m", "champion", Asked(generator="two"))


def test_recording_says_where_and_how_to_look(here: Path) -> None:
    view, folder = run("suite.yaml", "pass.yaml", out="a")
    first, second = record(view, folder), record(view, folder)
    assert first["run"] == second["run"]
    assert first["next"][0].startswith("look with: mlflow ui")


COMPARED = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules:
  - {id: words, require: {metric: length.empty_rate, op: "<=", value: 0.5}}
  - {id: no-worse, compare: {metric: length.empty_rate, against: champion, margin: 0.5,
     if_absent: first release}}
"""


def gated(
    champion: Path | str | None, out: str, policy: str = "compared.yaml"
) -> tuple[Any, Path]:
    how = Options(out=Path("runs") / out, champion=champion)  # type: ignore[arg-type]
    view, folder, _ = gate(Path("suite.yaml"), Path(policy), how)
    return view, folder


def test_the_gate_finds_the_champion_behind_the_alias(here: Path) -> None:
    (here / "compared.yaml").write_text(COMPARED)
    how = Options(runs=here / "runs")
    first, _, done = gate(Path("suite.yaml"), Path("compared.yaml"), how, target=Target("m"))
    assert first.verdicts[0].findings[1].outcome == "not_applicable"
    assert done["promotion"]["moved"]
    (here / "suite.yaml").write_text(SUITE + "seed: 5\n")
    second, _, done = gate(Path("suite.yaml"), Path("compared.yaml"), how, target=Target("m"))
    finding = second.verdicts[0].findings[1]
    assert finding.cause == "digest_mismatch"  # another seed asks for other noise
    assert not done["promotion"]["moved"]


def test_a_run_compared_with_another_champion_than_is_served_is_refused(here: Path) -> None:
    (here / "compared.yaml").write_text(COMPARED)
    view, folder = gated("none", "first")
    record(view, folder)
    assert promote(view, folder, "m", "champion")["moved"]
    assert promote(view, folder, "m", "champion")["moved"]  # again changes nothing
    rows = [f'{{"prompt": "ask {i}", "output": "four five {i}"}}\n' for i in range(9)]
    (here / "out.jsonl").write_text("".join(rows))
    view, folder = gated("none", "second")
    record(view, folder)
    with pytest.raises(RefusedError, match="was not compared with what"):
        promote(view, folder, "m", "champion")
    view, folder = gated(Path("runs/first"), "second")
    assert view.outcome == "pass"
    record(view, folder)
    assert promote(view, folder, "m", "champion")["moved"]


def test_a_pass_on_a_waiver_that_has_run_out_since_is_refused(here: Path) -> None:
    view, folder = run("suite.yaml", "fail.yaml", out="runs/a")
    subject = view.digests["subjects"]["one"]
    excuse = WAIVERS.format(rule="words", covers="fail", expires="2026-10-01", subject=subject)
    Path("waivers.yaml").write_text(excuse.replace("2026-11-01", "2026-09-01"))
    more = ', {id: few, require: {metric: length.coverage, op: ">=", value: 0.5}}]'
    Path("fail.yaml").write_text(Path("fail.yaml").read_text().rstrip()[:-1] + more)
    view = rejudge(folder, "fail.yaml", waivers="waivers.yaml", today=date(2026, 9, 20))
    assert view.outcome == "pass"
    record(view, folder)
    with pytest.raises(WaiverError, match="expired on 2026-10-01"):
        promote(view, folder, "m", "champion")
