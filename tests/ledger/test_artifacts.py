"""What goes to MLflow is whole, and says nothing that a person wrote in confidence."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.ledger.artifacts import gather
from tests.ledger.sealed_runs import EMAIL, make, write_model


@pytest.fixture
def gathered(tmp_path: Path) -> Path:
    _, root = make(tmp_path / "run", write_model(tmp_path / "model"))
    target = tmp_path / "gathered"
    target.mkdir()
    gather(root, target)
    return target


def test_reports_and_tables_are_gathered(gathered: Path) -> None:
    names = {path.relative_to(gathered).as_posix() for path in gathered.rglob("*.*")}

    assert names == {
        "report.md", "decision.json", "manifest.json", "environment.json", "seal.json",
        "suite.json", "cases.parquet", "outputs.parquet", "scores/diversity.parquet",
    }  # fmt: skip


def test_the_parts_of_a_table_become_one_file(gathered: Path) -> None:
    assert pq.ParquetFile(gathered / "outputs.parquet").metadata.num_rows == 2


def test_planted_personal_data_is_in_no_file(gathered: Path) -> None:
    for path in gathered.rglob("*.*"):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as file:
                content = repr(file.read().to_pydict()).encode()
        assert EMAIL.encode() not in content, path.name


def test_what_it_was_stays_readable(gathered: Path) -> None:
    with pq.ParquetFile(gathered / "outputs.parquet") as file:
        assert file.read().column("text").to_pylist() == ["I wrote to [EMAIL]"] * 2


def test_token_ids_are_left_out_and_numbers_stay(gathered: Path) -> None:
    with pq.ParquetFile(gathered / "scores" / "diversity.parquet") as file:
        assert file.schema_arrow.names == ["case_id", "value_words", "error"]
