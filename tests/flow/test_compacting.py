"""Runs whose parts are merged before they are sealed: the same numbers, and resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.engine import compaction
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.assess import review
from harness.flow.reconcile import reconcile
from harness.flow.run import run
from harness.ledger.seal import verify
from harness.records import RunView

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: merged}
generators: [{use: echo, options: {batch: 2, shuffle: true, fail_on: "word 3 of 12"}}]
strategies: [{name: a}, {name: b, params: {do_sample: true}}]
prompts: [{items: [%s]}]
scorers: [{use: length}, {use: diversity}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules: [{id: words, require: {metric: length.words, op: ">=", value: 1}}]
"""
TABLES = ("outputs", "scores/length", "scores/diversity")


def suite(folder: Path, prompts: int = 12, *, text: str = SUITE) -> Path:
    path = folder / "suite.yaml"
    path.write_text(text % ", ".join(f"word {n} of {prompts}" for n in range(prompts)))
    return path


def parts(folder: Path) -> dict[str, bytes]:
    found = [p for t in TABLES for p in sorted((folder / t).glob("*.parquet"))]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    names = ["case_id", "batch_id", "fingerprint", "status", "error"]
    own = {"outputs": ["text"], "scores/length": ["value_words"]}.get(table, [])
    found: list[dict[str, Any]] = Store(folder).columns(table, names + own).to_pylist()
    return found


def unmerged(monkeypatch: pytest.MonkeyPatch, path: Path, out: Path) -> RunView:
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "FEW", 10_000)
        return run(path, out=out)[0]


def test_metrics_and_columns_are_those_of_the_parts_that_were_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = suite(tmp_path)
    many = unmerged(monkeypatch, path, tmp_path / "many")
    few, _ = run(path, out=tmp_path / "few")
    assert len(list((tmp_path / "many" / "outputs").iterdir())) == 12
    assert [len(list((tmp_path / "few" / t).iterdir())) for t in TABLES] == [1, 1, 1]
    assert few.metrics == many.metrics
    assert few.shortfalls == many.shortfalls
    for table in TABLES:
        assert rows(tmp_path / "few", table) == rows(tmp_path / "many", table)
    assert review(tmp_path / "few").metrics == few.metrics
    assert reconcile(Store(tmp_path / "few")) == reconcile(Store(tmp_path / "many"))


def test_a_run_that_was_stopped_after_the_merge_goes_on_and_does_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = suite(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("harness.flow.run.finish", stop)
        with pytest.raises(KeyboardInterrupt):
            run(path, out=tmp_path / "run")
    before = {n: data for n, data in parts(tmp_path / "run").items() if "scores" in n}
    assert len(before) == 2
    view, folder = run(path, out=tmp_path / "run")
    whole, other = run(path, out=tmp_path / "whole")
    assert view.metrics == whole.metrics
    assert {n: data for n, data in parts(folder).items() if "scores" in n} == before
    assert before.items() <= parts(other).items()
    assert rows(folder, "outputs")[: 2 * 12] == rows(other, "outputs")
    assert reconcile(Store(folder)).cases == 24


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_sealed_run_is_never_merged_again_and_a_changed_scorer_only_adds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = suite(tmp_path)
    unmerged(monkeypatch, path, tmp_path / "run")
    before = parts(tmp_path / "run")
    run(path, out=tmp_path / "run")
    assert before.items() <= parts(tmp_path / "run").items()
    more = suite(tmp_path, text=SUITE.replace("{use: diversity}", "{use: privacy}"))
    with monkeypatch.context() as patch:
        patch.setattr("harness.flow.run.finish", stop)
        with pytest.raises(KeyboardInterrupt):
            run(more, out=tmp_path / "run")
    assert not (tmp_path / "run" / "seal.json").exists()
    view, folder = run(more, out=tmp_path / "run")
    assert before.items() <= parts(folder).items()
    assert len(list((folder / "scores" / "privacy").iterdir())) > compaction.FEW
    verify(folder)
    fresh, _ = run(more, out=tmp_path / "fresh")
    assert view.metrics == fresh.metrics


def test_a_prompt_that_is_added_after_the_merge_is_asked_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SUITE.replace("batch: 2", "batch: 1").replace("word 3 of 12", "none")
    path = suite(tmp_path, text=text)
    with monkeypatch.context() as patch:
        patch.setattr("harness.flow.run.finish", stop)
        with pytest.raises(KeyboardInterrupt):
            run(path, out=tmp_path / "run")
    had = {row["case_id"] for row in rows(tmp_path / "run", "outputs")}
    path.write_text(path.read_text().replace("prompts: [{items: [", "prompts: [{items: [new, "))
    view, folder = run(path, out=tmp_path / "run")
    found = [row["case_id"] for row in rows(folder, "outputs")]
    assert len(found) == len(set(found)) == 26
    assert len(set(found) - had) == 2
    fresh, _ = run(path, out=tmp_path / "fresh")
    assert view.metrics == fresh.metrics
    assert reconcile(Store(folder)).cases == 26


def test_a_flipped_byte_in_any_part_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    _, folder = run(suite(tmp_path), tmp_path / "policy.yaml", out=tmp_path / "run")
    found = sorted(folder.rglob("*.parquet"))
    assert len(found) >= 5  # cases, outputs, two scorers' scores, metrics
    for part in found:
        data = part.read_bytes()
        for place in range(0, len(data), max(1, len(data) // 5)):
            flipped = bytearray(data)
            flipped[place] ^= 1
            part.write_bytes(flipped)
            with pytest.raises(AlteredError) as error:
                review(folder)
            assert part.relative_to(folder).as_posix() in error.value.where
        part.write_bytes(data)
    review(folder)


@pytest.mark.parametrize("table", TABLES)
def test_without_a_seal_a_flipped_byte_of_any_page_is_an_error_that_names_the_file(
    table: str, tmp_path: Path
) -> None:
    _, folder = run(suite(tmp_path), out=tmp_path / "run")
    (part,) = (folder / table).iterdir()
    data = part.read_bytes()
    group = pq.read_metadata(part).row_group(0)
    chunks = [group.column(index) for index in range(group.num_columns)]
    names = list(dict.fromkeys(chunk.path_in_schema.split(".")[0] for chunk in chunks))
    for chunk in chunks:
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        flipped = bytearray(data)
        flipped[start + chunk.total_compressed_size - 1] ^= 1
        part.write_bytes(flipped)
        with pytest.raises(AlteredError) as error:
            Store(folder).columns(table, names)
        assert error.value.where == str(part)
