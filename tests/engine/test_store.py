"""The store: one writer, whole parts, and damage that is named."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.engine import schemas
from harness.engine.store import Store
from harness.errors import AlteredError, BusyError
from harness.records import Image, Output
from tests.flow.plugs import generate_all, plan_of

ROOT = Path(__file__).parents[2]


def row(case: str, status: str = "ok", *, batch: str = "b", made_by: str = "f") -> Output:
    return Output(
        output_id=f"o-{case}", case_id=case, batch_id=batch, fingerprint=made_by,
        status=status, text=case,  # type: ignore[arg-type]
    )  # fmt: skip


def append(store: Store, *rows: Output) -> None:
    columns = {name: [getattr(r, name) for r in rows] for name in Output.__slots__}
    store.append("outputs", columns, schemas.outputs())


def texts(store: Store, **about: Any) -> list[str]:
    found: list[str] = store.columns("outputs", ["text"], **about)["text"].to_pylist()
    return found


def hold(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds the run until its input closes."""
    code = (
        "import sys; from pathlib import Path; from harness.engine.store import Store\n"
        f"with Store(Path({str(folder)!r})): print('held', flush=True); sys.stdin.read()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def test_two_processes_never_write_one_run(tmp_path: Path) -> None:
    other = hold(tmp_path)
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match="another process"), Store(tmp_path):
            pass
        other.communicate("")
    with Store(tmp_path) as store:
        append(store, row("a"))


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    other = hold(tmp_path)
    with other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    with Store(tmp_path):
        pass


def test_entering_removes_what_was_half_written_and_nothing_of_others(tmp_path: Path) -> None:
    ours = tmp_path / "outputs" / "part-000000.parquet.0123abcd.tmp"
    theirs = [tmp_path / "notes.tmp", tmp_path / "work" / "a.0123abcd.tmp"]
    for path in [ours, *theirs]:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    with Store(tmp_path):
        assert not ours.exists()
        assert all(path.exists() for path in theirs)


def test_the_last_attempt_of_a_case_wins(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        append(store, row("a"), row("b", "error"))
        assert store.finished("outputs", "f") == {"b": 1}
        append(store, row("b"))
        assert store.finished("outputs", "f") == {"b": 2}
    found = Store(tmp_path).rows("outputs", "b", "f")
    assert {r["case_id"]: r["status"] for r in found} == {"a": "ok", "b": "ok"}


def test_rows_of_another_plugin_are_kept_apart(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        append(store, row("a"), row("b"))
        append(store, row("a", made_by="g"))
        assert store.finished("outputs", "g") == {"b": 1}
        assert [r["fingerprint"] for r in store.rows("outputs", "b", "g")] == ["g"]
        assert texts(store, fingerprints={"g"}) == ["a"]
        assert texts(store, fingerprints={"f", "g"}) == ["a", "b", "a"]
        assert texts(store, fingerprints={"h"}) == []
        assert texts(store) == ["a", "b", "a"]


def test_parts_are_read_in_the_order_written_beyond_a_million(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        append(store, row("a"))
        part = tmp_path / "outputs" / "part-000000.parquet"
        part.rename(part.with_name("part-999999.parquet"))
    with Store(tmp_path) as store:
        append(store, row("b"))
        append(store, row("c"))
    assert texts(Store(tmp_path)) == ["a", "b", "c"]


def test_an_absent_table_is_empty(tmp_path: Path) -> None:
    assert texts(Store(tmp_path)) == []
    assert Store(tmp_path).finished("outputs", "f") == {}


DAMAGE = ["truncated", "flipped", "emptied", "other columns"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_part_is_named_and_never_read(damage: str, tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        append(store, *(row(f"case {n}") for n in range(200)))
        append(store, row("last", batch="c"))
    part = tmp_path / "outputs" / "part-000000.parquet"
    data = bytearray(part.read_bytes())
    if damage == "truncated":
        part.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        text = pq.ParquetFile(part).metadata.row_group(0).column(5)
        data[text.data_page_offset - 2] ^= 1
        part.write_bytes(data)
    elif damage == "emptied":
        part.write_bytes(b"")
    else:
        pq.write_table(pq.read_table(part).drop_columns(["text", "batch_id"]), part)
    with pytest.raises(AlteredError, match="cannot be read") as error:
        texts(Store(tmp_path))
        Store(tmp_path).finished("outputs", "f")
    assert str(part) in str(error.value)


def test_a_deleted_part_is_generated_again(tmp_path: Path) -> None:
    planned = plan_of(
        [f"p{n}" for n in range(9)], generators=[{"use": "echo", "options": {"batch": 3}}]
    )
    with Store(tmp_path) as store:
        generate_all(planned, store)
    before = sorted(texts(Store(tmp_path)))
    (tmp_path / "outputs" / "part-000001.parquet").unlink()
    with Store(tmp_path) as store:
        generate_all(planned, store)
    assert sorted(texts(Store(tmp_path))) == before


def test_the_plan_is_written_in_order_and_replaces_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engine.store._CASES_PER_PART", 4)
    long, short = plan_of([f"p{n}" for n in range(10)]), plan_of(["a", "b"])
    with Store(tmp_path) as store:
        for planned, size in (long, 10), (short, 2):
            assert store.write_cases(planned.cases(planned.arms[0])) == size
            ids = store.columns("cases", ["case_id"])["case_id"].to_pylist()
            assert ids == [case.case_id for case in planned.cases(planned.arms[0])]


def test_a_case_is_stored_with_its_parameters_and_tags(tmp_path: Path) -> None:
    planned = plan_of(
        (), prompts=[{"items": ["a"], "tags": {"z": "1", "b": "2"}}],
        strategies=[{"name": "n", "params": {"top_p": 0.9, "do_sample": True}}],
    )  # fmt: skip
    with Store(tmp_path) as store:
        store.write_cases(planned.cases(planned.arms[0]))
        (stored,) = store.columns("cases", ["params", "tags", "system"]).to_pylist()
    assert stored["params"] == '{"do_sample":true,"top_p":0.9}'
    assert stored["tags"] == [("b", "2"), ("z", "1")]
    assert stored["system"] is None


def test_pictures_come_back_as_they_went_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    (_, name), (_, again) = store.put(Image(pixels)), store.put(Image(pixels.copy()))
    assert name == again
    output = Output(
        output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok", media=name
    )
    back = store.get(output)
    assert isinstance(back, Image)
    assert (back.pixels == pixels).all()
    (stored,) = (path for path in (tmp_path / "media").rglob("*") if path.is_file())
    stored.write_bytes(stored.read_bytes() + b"x")
    with pytest.raises(AlteredError, match="changed or lost"):
        store.get(output)
    stored.unlink()
    with pytest.raises(AlteredError, match="changed or lost"):
        store.get(output)
