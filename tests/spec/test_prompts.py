"""Prompts are read, checked line by line, named by their content and folded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import digests
from harness.errors import SpecError
from harness.records import Prompt
from harness.spec.prompts import prompt_files, read_prompts
from harness.spec.suite import PromptSpec


def read(folder: Path, data: str = "", **options: Any) -> tuple[Prompt, ...]:
    if data:
        (folder / "p.jsonl").write_text(data, encoding="utf-8")
        options["file"] = "p.jsonl"
    return tuple(read_prompts([PromptSpec(**options)], folder))


def test_a_prompt_is_named_by_its_content(tmp_path: Path) -> None:
    (prompt,) = read(
        tmp_path,
        '{"prompt": "Hi", "reference": "Hello", "sys": "Be brief", '
        '"n": 3, "b": true, "z": null}',
        system="sys",
        tag_columns=("b", "n", "z"),
        tags={"scenario": "greeting"},
    )
    tags = {"b": "true", "n": "3", "scenario": "greeting"}
    assert prompt == Prompt(
        prompt_id=digests.of_json(
            {"text": "Hi", "system": "Be brief", "reference": "Hello", "tags": tags}
        ),
        text="Hi",
        system="Be brief",
        reference="Hello",
        tags=tags,
    )


def test_the_same_prompts_come_from_jsonl_csv_parquet_and_items(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("\ufeffprompt\nHi\nHo\n", encoding="utf-8")
    pq.write_table(pa.table({"prompt": ["Hi", "Ho"]}), tmp_path / "p.parquet")
    jsonl = read(tmp_path, '{"prompt": "Hi"}\n{"prompt": "Ho"}\n')
    assert [prompt.text for prompt in jsonl] == ["Hi", "Ho"]
    assert read(tmp_path, file="p.csv") == jsonl
    assert read(tmp_path, file="p.parquet") == jsonl
    assert read(tmp_path, items=("Hi", "Ho")) == jsonl


def test_equal_prompts_are_folded_and_the_first_keeps_its_place(tmp_path: Path) -> None:
    specs = [PromptSpec(items=("b", "a", "b")), PromptSpec(items=("c", "a"))]
    assert [prompt.text for prompt in read_prompts(specs, tmp_path)] == ["b", "a", "c"]


def test_prompts_with_different_tags_are_different(tmp_path: Path) -> None:
    specs = [PromptSpec(items=("a",), tags={"l": tag}) for tag in ("en", "zh")]
    assert len({prompt.prompt_id for prompt in read_prompts(specs, tmp_path)}) == 2


def test_a_limit_counts_distinct_prompts(tmp_path: Path) -> None:
    prompts = read(tmp_path, items=("a", "a", "b", "c"), limit=2)
    assert [prompt.text for prompt in prompts] == ["a", "b"]


def test_a_missing_column_gets_a_suggestion_and_its_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=re.escape("did you mean 'promt'?")) as caught:
        read(tmp_path, '{"prompt": "a"}\n{"promt": "b"}\n')
    assert caught.value.where == f"{tmp_path / 'p.jsonl'}:2"


def test_a_missing_column_of_a_csv_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("prompt,langage\na,en\nb,en\n", encoding="utf-8")
    with pytest.raises(SpecError, match=re.escape("did you mean 'langage'?")) as caught:
        read(tmp_path, file="p.csv", tag_columns=("language",))
    assert caught.value.where == f"{tmp_path / 'p.csv'}:2"


@pytest.mark.parametrize("missing", ["system", "reference"])
def test_a_column_that_was_asked_for_must_be_there(tmp_path: Path, missing: str) -> None:
    with pytest.raises(SpecError, match="there is no column 'answer'"):
        read(tmp_path, '{"prompt": "a"}', **{missing: "answer"})


def test_broken_empty_and_mistyped_lines_are_all_said(tmp_path: Path) -> None:
    lines = [
        '{"prompt": "ok", "t": "x"}',
        "{",
        '{"prompt": " ", "t": "x"}',
        '{"prompt": 3, "t": "x"}',
    ]
    lines += ['{"prompt": "ok", "t": [1]}', '{"prompt": null, "t": "x"}']
    with pytest.raises(SpecError) as caught:
        read(tmp_path, "\n".join(lines), tag_columns=("t",))
    message = str(caught.value)
    for line, said in (
        (2, "not JSON"),
        (3, "an empty prompt"),
        (4, "'prompt' should be text, not 3"),
        (5, "'t' should be text, not [1]"),
        (6, "an empty prompt"),
    ):
        assert re.search(rf"p\.jsonl:{line}: {re.escape(said)}", message), said
    assert message.startswith("5 things")


def test_an_empty_item_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="an empty prompt") as caught:
        read(tmp_path, items=("a", " "))
    assert caught.value.where == "prompts[0].items:2"
    with pytest.raises(SpecError, match="there is no prompt in it"):
        read(tmp_path, "\n\n")


def test_paths_start_at_the_suite_and_may_leave_it(tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "p.csv").write_text("prompt\na\n", encoding="utf-8")
    for name in ("../p.csv", str(tmp_path / "p.csv")):
        assert len(read(tmp_path / "suites", file=name)) == 1


@pytest.mark.parametrize("name", ["a\0.jsonl", "gone.jsonl", "", ".", "~nobody-here/x.jsonl"])
def test_a_name_that_is_no_file_is_a_spec_error(tmp_path: Path, name: str) -> None:
    specs = [PromptSpec(file=name)]
    with pytest.raises(SpecError):
        read_prompts(specs, tmp_path)
    with pytest.raises(SpecError):
        prompt_files(specs, tmp_path)


def test_each_file_has_a_digest_under_the_name_the_suite_gives_it(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"prompt\na\n")
    specs = [PromptSpec(file="p.csv"), PromptSpec(items=("a",)), PromptSpec(file="p.csv")]
    assert prompt_files(specs, tmp_path) == {"p.csv": digests.of_bytes(b"prompt\na\n")}
