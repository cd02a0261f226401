"""What is known of images: `metadata.jsonl` as image folders have it, or the folder's name."""

import json
from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.spec.images import images
from tests.spec.images.making import FILES, archived


def lines(*rows: dict[str, object]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def columns(path: Path) -> dict[str, dict[str, str]]:
    return {name: dict(columns) for name, _, columns in images(path)}


@pytest.mark.parametrize("kind", ["folder", ".zip", ".tar.gz"])
def test_the_folder_is_the_label_where_nothing_is_described(kind: str, tmp_path: Path) -> None:
    label = {"label": "dogs"}
    wanted = {"a.png": {}, "dogs/b.png": label, "dogs/c.png": label}
    assert columns(archived(tmp_path, kind)) == wanted


@pytest.mark.parametrize("kind", ["folder", ".zip", ".tar.gz"])
def test_metadata_names_files_beside_it(kind: str, tmp_path: Path) -> None:
    top = lines({"file_name": "a.png", "text": "red", "n": 3, "box": [1]})
    below = b"file_name,text\nc.png,blue\n"
    files = {**FILES, "metadata.jsonl": top, "dogs/metadata.csv": below}
    wanted = {
        "a.png": {"text": "red", "n": "3"},
        "dogs/b.png": {},
        "dogs/c.png": {"text": "blue"},
    }
    assert columns(archived(tmp_path, kind, files)) == wanted


def test_a_file_that_is_described_and_not_there_is_a_failure(tmp_path: Path) -> None:
    files = {**FILES, "metadata.jsonl": lines({"file_name": "gone.png", "text": "x"})}
    found = {name: image for name, image, _ in images(archived(tmp_path, "folder", files))}
    assert "no file of this name" in str(found["gone.png"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"not json", "not JSON"),
        (lines({"name": "a.png"}), "no text in a column 'file_name'"),
        (lines({"file_name": "a.png"}, {"file_name": "./a.png"}), "described twice"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", ".zip"])
def test_a_broken_table_is_an_error_with_its_line(
    kind: str, table: bytes, message: str, tmp_path: Path
) -> None:
    path = archived(tmp_path, kind, {**FILES, "metadata.jsonl": table})
    with pytest.raises(SpecError, match=message) as error:
        list(images(path))
    assert f"{path}/metadata.jsonl:" in str(error.value)
