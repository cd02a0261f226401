"""A case finds the one picture that is its own, however files are named and ordered."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from harness import pictures
from harness.errors import SpecError
from harness.records import Failure, Image, Prompt
from harness.scorers.reference_pictures import ReferenceOptions


def png(value: int) -> bytes:
    return pictures.encode(Image(np.full((4, 5, 3), value, dtype=np.uint8)))


def asked(text: str, reference: str | None = None) -> Prompt:
    return Prompt(prompt_id=text, text=text, reference=reference)


def of(options: dict[str, Any], prompts: Sequence[Prompt]) -> list[int | str]:
    """The grey of each prompt's picture, or why it has none."""
    with ReferenceOptions.model_validate(options).opened() as found:
        read = [found.of(prompt) for prompt in prompts]
    return [
        one.reason if isinstance(one, Failure) else int(one.pixels[0, 0, 0]) for one in read
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures whose order by name is not that of any prompts."""
    place = tmp_path / "wanted"
    (place / "deep").mkdir(parents=True)
    for name, value in (("c.png", 10), ("a.png", 20), ("deep/b.png", 30)):
        (place / name).write_bytes(png(value))
    return place


def test_a_prompts_reference_names_a_file(folder: Path) -> None:
    prompts = [asked("one", "a.png"), asked("two", "deep/b.png"), asked("three", "c.png")]
    assert of({"images": str(folder)}, prompts) == [20, 30, 10]
    assert of({"images": str(folder)}, prompts[::-1]) == [10, 30, 20]


def test_an_archive_is_as_good_as_a_folder(folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "wanted.zip"
    with ZipFile(packed, "w") as archive:
        archive.write(folder / "c.png", "x.png")
    assert of({"images": str(packed)}, [asked("one", "x.png")]) == [10]


def test_a_case_without_a_picture_says_why(folder: Path) -> None:
    (folder / "bad.png").write_bytes(png(1)[:-20])
    (folder / "text.png").write_text("no picture")
    names = (None, "z.png", "bad.png", "text.png", "../wanted/a.png")
    none, gone, broken, text, outside = of(
        {"images": str(folder)}, [asked("p", name) for name in names]
    )
    assert none == "the prompt names no reference picture"
    assert gone == "the reference picture: there is no file of this name"
    assert broken == "the reference picture: the picture is cut short or broken"
    assert isinstance(text, str)
    assert outside == gone


def test_a_table_beside_the_files_says_whose_they_are(folder: Path) -> None:
    rows = [
        {"file_name": "a.png", "prompt": "a cat"},
        {"file_name": "c.png", "prompt": "a dog"},
        {"file_name": "deep/b.png", "prompt": "a dog"},
    ]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    cat, dogs, horse = of(
        {"images": str(folder), "match": "prompt"},
        [asked("a cat"), asked("a dog"), asked("a horse")],
    )
    assert cat == 20
    assert dogs == "2 reference pictures are of this prompt, not one"
    assert horse == "0 reference pictures are of this prompt, not one"


def test_a_folder_may_bear_the_prompt_as_its_name(folder: Path) -> None:
    assert of({"images": str(folder), "match": "prompt"}, [asked("deep")]) == [30]


def test_a_table_without_the_column_is_refused_by_name(folder: Path) -> None:
    (folder / "metadata.jsonl").write_text(json.dumps({"file_name": "a.png", "caption": "x"}))
    with pytest.raises(SpecError, match="nothing says which prompt") as caught:
        of({"images": str(folder), "match": "prompt"}, [])
    assert "caption" in caught.value.fix
    options = {"images": str(folder), "match": "prompt", "prompt": "caption"}
    assert of(options, [asked("x")]) == [20]


def test_rows_of_parquet_are_matched_by_prompt_whatever_their_order(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    table = {"text": ["b", "a"], "image": pa.array([png(7), png(8)], pa.binary())}
    pq.write_table(pa.table(table), buffer)
    path = tmp_path / "wanted.parquet"
    path.write_bytes(buffer.getvalue())
    options = {"images": str(path), "match": "prompt", "prompt": "text"}
    assert of(options, [asked("a"), asked("b")]) == [8, 7]


def test_rows_of_parquet_are_never_matched_by_their_number(tmp_path: Path) -> None:
    for images in (str(tmp_path / "x.parquet"), "digits-heldout"):
        with pytest.raises(ValidationError, match="match: prompt"):
            ReferenceOptions.model_validate({"images": images})


def test_pictures_that_are_not_there_are_said_before_anything_is_read(tmp_path: Path) -> None:
    options = ReferenceOptions.model_validate({"images": str(tmp_path / "none")})
    with pytest.raises(SpecError, match="no such dataset"):
        assert options.digest


def test_another_picture_is_another_digest(folder: Path) -> None:
    options = ReferenceOptions.model_validate({"images": str(folder)})
    before = options.digest
    (folder / "a.png").write_bytes(png(21))
    assert options.digest != before
