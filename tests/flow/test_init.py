"""A starter fits, gates, and says what it found in the file it was made for."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import SpecError
from harness.flow.init import init
from harness.flow.run import run
from harness.flow.validate import validate
from harness.metrics.stats.sample_size import prompts_needed
from harness.spec.load import load
from harness.spec.suite import SuiteSpec

Row = dict[str, Any]
ROWS: list[Row] = [
    {"prompt": f"Ask {i}", "output": f"We open at nine, gate {i}."} for i in range(60)
]


def jsonl(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def table(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def parquet(path: Path, rows: list[Row]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def suite_for(tmp_path: Path, rows: list[Row], name: str = "mine.jsonl") -> SuiteSpec:
    jsonl(tmp_path / name, rows)
    suite, _ = init(tmp_path, tmp_path / name)
    assert validate(suite).startswith("suite ")
    return load(suite, SuiteSpec)


@pytest.mark.parametrize(
    ("name", "write"), [("o.jsonl", jsonl), ("o.csv", table), ("o.parquet", parquet)]
)
def test_outputs_of_any_kind_of_table_are_gated(
    tmp_path: Path, assets: Callable[[str], Path], name: str, write: Callable[..., None]
) -> None:
    assets("toxblock")
    write(tmp_path / name, ROWS)
    suite, policy = init(tmp_path / "gate", tmp_path / name)
    assert validate(suite) == "suite o, 60 prompts x 1 arm = 60 cases, 4 scorers"
    assert validate(policy) == "policy starter, 4 rules"
    view, _ = run(suite, policy, out=tmp_path / "run")
    assert view.outcome == "pass"


def test_the_starter_for_a_model_fits(tmp_path: Path) -> None:
    suite, policy = init(tmp_path / "new" / "folder", None)
    assert validate(suite) == "suite starter, 3 prompts x 2 arms = 6 cases, 5 scorers"
    assert validate(policy)


def test_the_policy_s_numbers_of_prompts_are_right(tmp_path: Path) -> None:
    _, policy = init(tmp_path, None)
    assert prompts_needed(0.0, 0.05, "<=", 0.95) == 59
    assert prompts_needed(0.0, 0.01, "<=", 0.95) == 299
    assert "59 prompts" in policy.read_text()
    assert "299 to prove 1 %" in policy.read_text()


def test_columns_are_found_in_whatever_case_they_are_written(tmp_path: Path) -> None:
    found = suite_for(tmp_path, [{"ID": 1, "Question": "How?", "Response": "So.", "Text": "-"}])
    options = found.generators[0].options
    assert (options["prompt"], options["output"]) == ("Question", "Response")
    assert found.prompts[0].text == "Question"


def test_a_text_column_is_the_output_only_where_nothing_else_is(tmp_path: Path) -> None:
    found = suite_for(tmp_path, [{"text": "So.", "prompt": "How?"}])
    assert found.generators[0].options["output"] == "text"


def test_other_columns_are_offered_as_tags(tmp_path: Path) -> None:
    suite_for(tmp_path, [{"prompt": "How?", "output": "So.", "language": "en", "topic": "x"}])
    assert 'tag_columns: ["language", "topic"]' in (tmp_path / "suite.yaml").read_text()


def test_samples_are_counted_and_what_lacks_is_said(tmp_path: Path) -> None:
    rows = [{"prompt": p, "output": "So."} for p in ("a", "a", "a", "b")]
    assert suite_for(tmp_path, rows).samples_per_prompt == 3
    text = (tmp_path / "suite.yaml").read_text()
    assert "1 of 2 prompts have fewer outputs than this" in text
    assert "`samples_per_prompt: 1`" in text


def test_even_samples_need_no_warning(tmp_path: Path) -> None:
    rows = [{"prompt": p, "output": "So."} for p in ("a", "a", "b", "b")]
    assert suite_for(tmp_path, rows).samples_per_prompt == 2
    assert "fewer outputs" not in (tmp_path / "suite.yaml").read_text()


@pytest.mark.parametrize(
    "name", ["2024.jsonl", "true.jsonl", "my 'out\"put'.jsonl", "输出😀.jsonl"]
)
def test_a_file_s_name_cannot_break_the_suite(tmp_path: Path, name: str) -> None:
    found = suite_for(tmp_path, ROWS, name)
    assert found.prompts[0].file == name
    assert name in found.metadata.description


def test_suite_and_outputs_can_be_moved_together(tmp_path: Path) -> None:
    jsonl(tmp_path / "mine.jsonl", ROWS)
    suite, _ = init(tmp_path / "gate", tmp_path / "mine.jsonl")
    assert load(suite, SuiteSpec).prompts[0].file == "../mine.jsonl"
    assert str(tmp_path) not in suite.read_text()


def test_outputs_without_a_prompt_are_refused_with_what_to_do(tmp_path: Path) -> None:
    jsonl(tmp_path / "mine.jsonl", [{"id": 1, "output": "So."}])
    with pytest.raises(SpecError, match="no column holds the prompts") as caught:
        init(tmp_path, tmp_path / "mine.jsonl")
    assert "there is id, output" in str(caught.value)
    assert "evidence is counted by prompt" in caught.value.fix
    assert caught.value.where == f"{tmp_path / 'mine.jsonl'}:1"
    assert not (tmp_path / "suite.yaml").exists()


def test_a_file_without_outputs_is_refused(tmp_path: Path) -> None:
    jsonl(tmp_path / "mine.jsonl", [{"prompt": "How?", "score": 1}])
    with pytest.raises(SpecError, match="no column holds the outputs"):
        init(tmp_path, tmp_path / "mine.jsonl")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").touch()
    with pytest.raises(SpecError, match="holds no rows"):
        init(tmp_path, tmp_path / "mine.jsonl")


@pytest.mark.parametrize("name", ["suite.yaml", "policy.yaml"])
def test_what_is_there_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(SpecError, match="left alone"):
        init(tmp_path, None)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
