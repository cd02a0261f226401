"""Deleting: only what nothing can need, only when asked twice, and never under a lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.flow.run import Options, run
from harness.flow.sheet import sheet
from harness.flow.shelf import shelf
from harness.flow.sweep import age, delete, useless
from harness.ledger.seal import verify
from tests.engine.test_store import hold
from tests.flow.test_shelf import killed, write

NOW = datetime(2100, 1, 1, tzinfo=UTC)
ORPHAN = "media/ab/" + "ab" * 32


def judged(folder: Path, name: str, **about: str) -> Path:
    suite, policy = write(folder, **about)  # type: ignore[arg-type]
    return run(suite, policy, out=folder / "runs" / name)[1]


def litter(run_folder: Path) -> set[Path]:
    """Put into a run what is useless in one that was never sealed."""
    scratch = run_folder / "outputs" / "part-000009.parquet.0123abcd.tmp"
    orphan = run_folder / ORPHAN
    orphan.parent.mkdir(parents=True)
    dropped = run_folder / "scores" / "former" / "part-000000.parquet"
    dropped.parent.mkdir(parents=True)
    for path in (scratch, orphan):
        path.write_bytes(b"half")
    some = next((run_folder / "outputs").glob("*.parquet"))
    dropped.write_bytes(some.read_bytes())
    return {scratch, orphan, dropped}


def test_of_a_stopped_run_what_nothing_names_goes_and_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs" / "a"
    killed(tmp_path, out, monkeypatch, judged=True)
    kept = {p for p in out.rglob("*") if p.is_file()}
    wanted = litter(out)
    found = useless(tmp_path / "runs", NOW)
    assert {item.path for item in found.going} == wanted
    assert all(path.exists() for path in wanted)
    assert delete(tmp_path / "runs", found).going == found.going
    assert {p for p in out.rglob("*") if p.is_file()} == kept
    suite, policy = write(tmp_path)
    run(suite, policy, out=out)
    verify(out)


def test_of_a_run_that_was_sealed_nothing_goes(tmp_path: Path) -> None:
    folder = judged(tmp_path, "a")
    litter(folder)
    assert useless(tmp_path / "runs", NOW).going == ()
    for name in ("seal.json", "decision.json"):
        (folder / name).unlink()
    (folder / ".sealed").touch()
    assert useless(tmp_path / "runs", NOW).going == ()


def test_whole_runs_go_by_age_and_number(tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        judged(tmp_path, name)
    runs = tmp_path / "runs"

    def names(older: timedelta | None, keep: int | None) -> list[str]:
        return [item.path.name for item in useless(runs, NOW, older, keep).going]

    assert names(None, None) == []
    assert names(None, 1) == ["second", "first"]
    assert names(age("30d"), None) == ["third", "second", "first"]
    assert names(age("30d"), 2) == ["first"]
    assert names(NOW - datetime(2000, 1, 1, tzinfo=UTC), 0) == []
    delete(runs, useless(runs, NOW, None, 1))
    assert [one.name for one in shelf(runs)] == ["third"]
    assert {p.name for p in runs.iterdir()} == {"third", "attempts.jsonl"}


def test_what_is_recorded_altered_linked_or_unreadable_stays(tmp_path: Path) -> None:
    for name in ("recorded", "altered", "target"):
        judged(tmp_path, name)
    runs = tmp_path / "runs"
    (runs / "recorded" / "record.json").write_text("{}")
    (runs / "altered" / "report.md").unlink()
    (runs / "link").symlink_to(runs / "target")
    (runs / "broken" / "cases").mkdir(parents=True)
    (runs / "broken" / "manifest.json").write_text("{")
    found = useless(runs, NOW, None, 0)
    assert [item.path.name for item in found.going] == ["target"]
    why = {item.path.name: item.why for item in found.staying}
    assert why.keys() == {"recorded", "altered", "link", "broken"}
    assert "MLflow" in why["recorded"]
    assert "removed: report.md" in why["altered"]


def test_a_run_that_another_is_compared_with_stays(tmp_path: Path) -> None:
    champion = judged(tmp_path, "champion")
    seal = verify(champion)
    suite, _ = write(tmp_path, seed=8)
    rule = (
        '{id: %s, compare: {metric: length.words, against: "%s", test: noninferior, margin: 1}}'
    )
    policy = tmp_path / "both.yaml"
    head = "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: c, version: 1.0.0}\nrules:\n"
    for name, against in (("one", "champion"), ("two", f"anchor:{seal[:16]}")):
        policy.write_text(head + f"  - {rule % ('same', against)}\n")
        how = Options(champion=champion)
        run(suite, policy, how, out=tmp_path / "runs" / name)
        found = useless(tmp_path / "runs", NOW, None, 0)
        assert [item.path.name for item in found.going] == [name]
        assert [item.why for item in found.staying] == [f"the run {name} is compared with it"]
        delete(tmp_path / "runs", found)
    assert verify(champion) == seal


def test_a_run_that_another_process_holds_stays(tmp_path: Path) -> None:
    folder = judged(tmp_path, "a")
    before = useless(tmp_path / "runs", NOW, None, 0)
    assert [item.path for item in before.going] == [folder]
    with hold(folder) as other:
        assert other.stdout is not None
        other.stdout.readline()
        found = useless(tmp_path / "runs", NOW, None, 0)
        assert found.going == ()
        assert "another process" in found.staying[0].why
        late = delete(tmp_path / "runs", before)
        assert late.going == ()
        assert "another process" in late.staying[0].why
        other.communicate("")
    assert sheet(folder)["state"] != "altered"


def test_a_run_that_was_written_to_since_it_was_looked_at_stays(tmp_path: Path) -> None:
    folder = judged(tmp_path, "a")
    found = useless(tmp_path / "runs", NOW, None, 0)
    (folder / "record.json").write_text("{}")
    late = delete(tmp_path / "runs", found)
    assert late.going == ()
    assert folder.is_dir()


def test_a_deletion_that_was_stopped_is_finished(tmp_path: Path) -> None:
    folder = judged(tmp_path, "a")
    half = folder.rename(folder.with_name("a.0123abcd.tmp"))
    assert shelf(tmp_path / "runs") == []
    found = useless(tmp_path / "runs", NOW)
    assert [item.path for item in found.going] == [half]
    delete(tmp_path / "runs", found)
    assert not half.exists()


def test_an_attempt_counts_after_its_folder_is_gone(tmp_path: Path) -> None:
    suite, policy = write(tmp_path)
    policy.write_text(policy.read_text().replace('"<=", value: 0.9', '">=", value: 0.999'))
    view, folder = run(suite, policy, out=tmp_path / "runs" / "a")
    assert view.outcome == "fail"
    delete(tmp_path / "runs", useless(tmp_path / "runs", NOW, None, 0))
    assert not folder.exists()
    suite.write_text(suite.read_text().replace("seed: 7", "seed: 8"))
    again, _ = run(suite, policy, out=tmp_path / "runs" / "b")
    assert [attempt.outcome for attempt in again.attempts] == ["fail"]


@pytest.mark.parametrize("text", ["30", "d", "-1d", "30 days", "1y", ""])
def test_what_is_no_age_is_said(text: str) -> None:
    with pytest.raises(SpecError, match="is no age"):
        age(text)
