"""The whole path on fakes: same bytes, judging again, tampering, and what is never shown."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.assess import assess, rejudge, review
from harness.flow.report import decision
from harness.flow.run import run
from harness.ledger.seal import seal, verify
from harness.spec.extend import load_policy

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: small}
generators: [{use: echo, options: {times: 2}}]
strategies: [{name: plain}, {name: other, params: {do_sample: true}}]
prompts:
  - {items: [one two, three four, mail ann@corp.org today], tags: {language: en}}
samples_per_prompt: 2
scorers: [{use: length}, {use: diversity}, {use: privacy}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules:
  - {id: words, require: {metric: length.words, op: ">=", value: 1}}
  - {id: secrets, require: {metric: privacy.secret_count, op: "==", value: 0}}
"""
HARSH = POLICY.replace("value: 1}", "value: 100}")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "harsh.yaml").write_text(HARSH)
    return tmp_path / "suite.yaml"


def done(suite: Path, name: str = "run") -> tuple[Any, Path]:
    return run(suite, suite.parent / "policy.yaml", out=suite.parent / name)


def test_two_runs_give_the_same_bytes(suite: Path) -> None:
    (first, a), (_, b) = done(suite, "a"), done(suite, "b")
    assert first.outcome == "pass"
    for name in ("metrics.parquet", "decision.json", "report.html", "report.json", "junit.xml"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def test_a_second_call_does_nothing_again(suite: Path) -> None:
    _, folder = done(suite)
    parts = sorted(folder.rglob("part-*.parquet"))
    times = [part.stat().st_mtime_ns for part in parts]
    done(suite)
    assert sorted(folder.rglob("part-*.parquet")) == parts
    assert [part.stat().st_mtime_ns for part in parts] == times


def test_assessing_only_reads_and_says_the_same(suite: Path) -> None:
    view, folder = done(suite)
    top = verify(folder)
    again = assess(Store(folder), load_policy(suite.parent / "policy.yaml"))
    assert decision(again) == decision(view)
    assert verify(folder) == top


def test_another_policy_judges_the_stored_scores(suite: Path) -> None:
    _, folder = done(suite)
    assert rejudge(folder, suite.parent / "harsh.yaml").outcome == "fail"
    assert json.loads((folder / "decision.json").read_bytes())["outcome"] == "fail"
    assert review(folder).outcome == "fail"
    assert rejudge(folder, suite.parent / "policy.yaml").outcome == "pass"


def test_a_changed_score_is_seen_even_when_it_is_sealed_again(suite: Path) -> None:
    _, folder = done(suite)
    part = next((folder / "scores" / "length").glob("*.parquet"))
    table = pq.read_table(part)
    words = table.column_names.index("value_words")
    pq.write_table(table.set_column(words, "value_words", [[99.0] * len(table)]), part)
    with pytest.raises(AlteredError, match="seal"):
        review(folder)
    seal(folder)
    with pytest.raises(AlteredError, match="not what the stored scores lead to"):
        review(folder)


def test_a_folder_that_holds_no_run_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(AlteredError, match="not a finished run"):
        assess(Store(tmp_path), None)


def test_personal_data_reaches_no_report(suite: Path) -> None:
    _, folder = done(suite)
    for name in ("report.html", "report.md", "report.json", "junit.xml", "decision.json"):
        assert b"ann@corp.org" not in (folder / name).read_bytes(), name


def test_no_file_that_leaves_the_machine_names_its_folders(suite: Path) -> None:
    _, folder = done(suite)
    for name in ("report.html", "report.json", "decision.json", "manifest.json", "suite.json"):
        assert str(suite.parent).encode() not in (folder / name).read_bytes(), name


def test_without_a_policy_nothing_is_judged(suite: Path) -> None:
    done(suite)
    view, folder = run(suite, out=suite.parent / "run")
    assert view.outcome is None
    assert not view.verdicts
    assert not (folder / "policy.json").exists()


def test_scores_of_a_scorer_that_changed_are_not_judged(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = done(suite)
    from harness.scorers.length import Length

    monkeypatch.setattr(Length, "weights", {"lexicon": "other"})
    with pytest.raises(AlteredError, match="'length' is not the one"):
        review(folder)


@pytest.mark.parametrize("table", ["scores/length", "outputs", "cases"])
def test_judging_again_does_not_seal_what_was_changed_in_between(
    suite: Path, table: str
) -> None:
    _, folder = done(suite)
    part = next((folder / table).glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b"x")
    before = (folder / "decision.json").read_bytes()
    with pytest.raises(AlteredError, match="generated or scored was changed"):
        rejudge(folder, suite.parent / "policy.yaml")
    assert (folder / "decision.json").read_bytes() == before


def test_a_score_that_was_taken_away_is_seen_when_judging_again(suite: Path) -> None:
    _, folder = done(suite)
    next((folder / "scores" / "length").glob("*.parquet")).unlink()
    with pytest.raises(AlteredError, match="generated or scored was changed"):
        rejudge(folder, None)
