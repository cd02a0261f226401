"""Content that exists: looked up by prompt, and missing content is a failure."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SpecError
from harness.flow.bind import bind
from harness.generators.files import Files
from harness.records import Failure, Generated
from harness.spec.suite import PluginSpec
from tests.generators.asking import case

ROWS: list[dict[str, Any]] = [
    {"prompt": "a", "output": "first"},
    {"prompt": "b", "output": "only"},
    {"prompt": "a", "output": "second"},
    {"prompt": "n", "output": 3},
]


def write(folder: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    path = folder / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def bound(folder: Path, **options: Any) -> Any:
    """The plug-in as a suite in this folder names it."""
    options = {"file": "answers.jsonl", **options}
    return bind("generators", PluginSpec(use="files", options=options), folder)


def test_a_relative_file_starts_at_the_suites_folder(tmp_path: Path) -> None:
    write(tmp_path)
    made = bound(tmp_path)
    with made.plugin as files:
        (answer,) = files.generate([case("b")])
    assert answer.media == "only"
    assert str(tmp_path) not in json.dumps(made.identity)


def test_an_absolute_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path)
    options = Files.Options.model_validate_json(
        json.dumps({"file": str(path)}), context={"base": Path("/elsewhere")}
    )
    assert options.file == path


@pytest.mark.parametrize("value", [3, ["a"], "~nobody-of-this-name/a.jsonl"])
def test_what_is_no_path_is_refused_with_the_options_name(value: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="do not fit") as error:
        bound(tmp_path, file=value)
    assert "options.file" in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        {"file": None},
        {"file": "answers.jsonl", "images": "pictures"},
        {"file": "answers.jsonl", "manifest": "answers.jsonl"},
        {"file": None, "images": "a.parquet", "manifest": "answers.jsonl"},
    ],
)
def test_texts_or_images_are_named_and_not_both(options: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="do not fit") as error:
        bound(tmp_path, **options)
    assert "`images`" in str(error.value)


def test_the_nth_row_of_a_prompt_answers_its_nth_repeat(tmp_path: Path) -> None:
    with Files(Files.Options(file=write(tmp_path))) as files:
        answers = files.generate([case("a", 1), case("b"), case("a", 0)])
    media = [answer.media for answer in answers if isinstance(answer, Generated)]
    assert media == ["second", "only", "first"]


@pytest.mark.parametrize(
    ("text", "repeat", "reason"),
    [
        ("a", 2, "has 2 outputs"),
        ("c", 0, "has 0 outputs"),
        ("n", 0, "is int, not text"),
    ],
)
def test_content_that_is_absent_is_a_failure(
    text: str, repeat: int, reason: str, tmp_path: Path
) -> None:
    with Files(Files.Options(file=write(tmp_path))) as files:
        (answer,) = files.generate([case(text, repeat)])
    assert isinstance(answer, Failure)
    assert reason in answer.reason


def test_a_row_without_the_column_is_an_error_that_names_the_row(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(SpecError, match="no 'answer'") as error:
        Files(Files.Options(file=path, output="answer")).__enter__()
    assert f"{path}:1" in str(error.value)


def test_an_absent_file_is_found_before_anything_is_generated(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        bound(tmp_path)


def test_changed_content_is_another_generator(tmp_path: Path) -> None:
    write(tmp_path)
    before = bound(tmp_path).fingerprint
    assert bound(tmp_path).fingerprint == before
    write(tmp_path, [*ROWS, {"prompt": "c", "output": "late"}])
    assert bound(tmp_path).fingerprint != before


def test_sampling_parameters_are_refused(tmp_path: Path) -> None:
    files = Files(Files.Options(file=write(tmp_path)))
    files.check({})
    with pytest.raises(SpecError, match="takes no parameters"):
        files.check({"top_p": 0.9})
