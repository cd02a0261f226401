"""Merging parts: nothing is lost, nothing is hidden, whenever it is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.engine import compaction, parts
from harness.engine.store import Store
from harness.errors import AlteredError
from tests.engine.test_store import append, row, texts

ROOT = Path(__file__).parents[2]
NAMES = ["output_id", "case_id", "batch_id", "fingerprint", "status", "text", "seconds"]


def fill(folder: Path, batches: int = 20) -> None:
    """Twenty batches of three, of which one row of the fifth had to be asked twice."""
    with Store(folder) as store:
        for n in range(batches):
            state = "error" if n == 5 else "ok"
            append(store, *_rows(n, state))
        append(store, row("5.1", batch="b5"))


def _rows(n: int, state: str) -> list[Any]:
    return [row(f"{n}.{m}", state if m == 1 else "ok", batch=f"b{n}") for m in range(3)]


def held(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Store(folder).columns("outputs", NAMES).to_pylist()
    return found


def compacted(folder: Path) -> None:
    with Store(folder) as store:
        store.compact()


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "outputs").iterdir()}


def test_many_parts_become_one_and_every_last_attempt_is_in_its_place(tmp_path: Path) -> None:
    fill(tmp_path)
    before = {r["case_id"]: r for r in held(tmp_path)}
    compacted(tmp_path)
    assert list(files(tmp_path)) == ["part-000000.parquet"]
    after = held(tmp_path)
    assert after == list(before.values())
    assert [r["text"] for r in after] == [f"{n}.{m}" for n in range(20) for m in range(3)]
    assert {p.name for p in tmp_path.iterdir()} == {".lock", "outputs"}


def test_a_store_that_compacted_reads_and_appends_on(tmp_path: Path) -> None:
    fill(tmp_path)
    with Store(tmp_path) as store:
        done = store.finished("outputs", "f")
        rows = [list(store.rows("outputs", f"b{n}", "f")) for n in range(20)]
        store.compact()
        assert store.finished("outputs", "f") == done
        assert [list(store.rows("outputs", f"b{n}", "f")) for n in range(20)] == rows
        append(store, row("new", batch="b5"))
        assert [r["case_id"] for r in store.rows("outputs", "b5", "f")][-1] == "new"
    assert sorted(files(tmp_path)) == ["part-000000.parquet", "part-000001.parquet"]


def test_a_large_part_is_read_once_for_all_its_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    compacted(tmp_path)
    asked: list[Any] = []
    read = parts.read
    monkeypatch.setattr(parts, "read", lambda *a: asked.append(a) or read(*a))  # type: ignore[func-returns-value]
    store = Store(tmp_path)
    for n in range(20):
        assert len(list(store.rows("outputs", f"b{n}", "f"))) == 3
    assert len(asked) == 2  # which batches it holds, and the rows


def test_parts_hold_whole_batches_of_one_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "ROWS", 10)
    monkeypatch.setattr(compaction, "FEW", 0)
    fill(tmp_path, 8)
    with Store(tmp_path) as store:
        append(store, row("0.0", made_by="g", batch="b0"))
        append(store, row("8.0", batch="b8"))
    compacted(tmp_path)
    found = [pq.read_table(p) for p in parts.paths(tmp_path / "outputs")]
    assert [t.num_rows for t in found] == [12, 12, 1, 1]
    assert [set(t["fingerprint"].to_pylist()) for t in found] == [{"f"}, {"f"}, {"f"}, {"g"}]


def test_few_parts_and_a_merged_table_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, 7)
    few = files(tmp_path)
    assert len(few) == compaction.FEW
    compacted(tmp_path)
    assert files(tmp_path) == few
    fill(tmp_path, 9)
    compacted(tmp_path)
    once = files(tmp_path)
    compacted(tmp_path)
    assert files(tmp_path) == once


def test_an_answer_given_twice_stays_for_the_verifier_to_find(tmp_path: Path) -> None:
    fill(tmp_path)
    with Store(tmp_path) as store:
        append(store, row("3.1", batch="b3"), row("stray", batch="b3"))
    compacted(tmp_path)
    assert texts(Store(tmp_path)).count("3.1") == 2
    assert "stray" in texts(Store(tmp_path))


def test_a_failure_that_no_later_attempt_took_back_stays_once(tmp_path: Path) -> None:
    fill(tmp_path)
    with Store(tmp_path) as store:
        for _ in range(3):
            append(store, row("7.0", "error", batch="late"))
    compacted(tmp_path)
    assert [r["status"] for r in held(tmp_path) if r["batch_id"] == "late"] == ["error"]


@pytest.mark.parametrize("name", ["seal.json", ".sealed"])
def test_what_was_sealed_is_never_rewritten(name: str, tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / name).touch()
    before = files(tmp_path)
    compacted(tmp_path)
    assert files(tmp_path) == before


def test_a_sealed_run_that_is_continued_stays_known_as_sealed(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "seal.json").touch()
    before = files(tmp_path)
    with Store(tmp_path) as store:
        append(store, row("more", batch="more"))
        store.compact()
    assert not (tmp_path / "seal.json").exists()
    assert before.items() < files(tmp_path).items()


def test_a_damaged_part_stops_it_and_is_named(tmp_path: Path) -> None:
    fill(tmp_path)
    part = tmp_path / "outputs" / "part-000003.parquet"
    part.write_bytes(part.read_bytes()[:100])
    before = files(tmp_path)
    with pytest.raises(AlteredError) as error:
        compacted(tmp_path)
    assert error.value.where == str(part)
    assert files(tmp_path) == before


STEPS = ("rename", "replace", "fsync", "rmdir", "unlink")


@pytest.mark.parametrize("step", STEPS)
def test_an_error_at_any_step_loses_nothing(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "wanted")
    compacted(tmp_path / "wanted")
    wanted, real = files(tmp_path / "wanted"), getattr(os, step)
    for nth in range(100):
        run = tmp_path / f"run-{nth}"
        shutil.copytree(tmp_path / "whole", run)
        left = [nth]

        def fail(*args: Any, left: list[int] = left, **kw: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise OSError("the disk is gone")
            return real(*args, **kw)

        with monkeypatch.context() as patch:
            patch.setattr(os, step, fail)
            try:
                compacted(run)
            except OSError:
                hit = True
            else:
                hit = left[0] < 0
        compacted(run)
        assert files(run) == wanted
        assert not (run / ".compacting").exists()
        if not hit:
            assert nth > 0
            return
    raise AssertionError(f"{step} never came to an end")


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.engine.store import Store
left = int(sys.argv[2])
def mortal(real):
    def step(*args, **kw):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kw)
    return step
for name in ("rename", "replace", "fsync", "unlink", "rmdir"):
    setattr(os, name, mortal(getattr(os, name)))
with Store(Path(sys.argv[1])) as store:
    store.compact()
"""


def test_a_kill_at_any_step_loses_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "wanted")
    compacted(tmp_path / "wanted")
    wanted, codes = files(tmp_path / "wanted"), []
    for nth in range(0, 60, 4):
        run = tmp_path / f"run-{nth}"
        shutil.copytree(tmp_path / "whole", run)
        command = [sys.executable, "-c", KILLED, str(run), str(nth)]
        codes.append(subprocess.run(command, cwd=ROOT, check=False).returncode)
        compacted(run)
        assert files(run) == wanted
        assert not (run / ".compacting").exists()
        if codes[-1] == 0:
            break
    assert set(codes) == {-signal.SIGKILL, 0}
    assert len(codes) > 3
