"""Images in Parquet: bytes or `{bytes, path}`, row by row, and bombs are refused."""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.pictures import MAX_BYTES
from harness.spec.images import images, opened
from tests.spec.images.making import COLOURS, FILES, parquet, png, seen

BYTES = list(FILES.values())
PIXELS = list(COLOURS.values())


@pytest.mark.parametrize("cells", [BYTES, [{"bytes": data, "path": "x.jpg"} for data in BYTES]])
def test_rows_are_named_by_their_number_and_bring_their_columns(
    cells: list[Any], tmp_path: Path
) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        {
            "image": cells, "text": ["red", None, "blue"], "label": [1, 0, 2],
            "sure": [True, False, True], "score": [0.5, float("nan"), 1.0],
            "box": [[1], [2], [3]],
        },
        row_group_size=2,
    )  # fmt: skip
    assert seen(path) == dict(zip(["000000001", "000000002", "000000003"], PIXELS, strict=True))
    columns = [columns for _, _, columns in images(path)]
    assert columns == [
        {"text": "red", "label": "1", "sure": "true", "score": "0.5"},
        {"label": "0", "sure": "false"},
        {"text": "blue", "label": "2", "sure": "true", "score": "1.0"},
    ]


def test_a_row_without_bytes_is_a_failure_and_its_path_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    cells = [
        {"bytes": None, "path": str(tmp_path / "a.png")},
        None,
        {"bytes": png(), "path": None},
    ]
    found = list(seen(parquet(tmp_path / "a.parquet", {"image": cells})).values())
    assert found == ["the row holds no bytes of an image"] * 2 + [COLOURS["a.png"]]


def test_texts_where_images_should_be_are_failures(tmp_path: Path) -> None:
    assert set(seen(parquet(tmp_path / "a.parquet", {"image": ["a", "b"]})).values()) == {
        "the row holds no bytes of an image"
    }


def test_another_column_holds_the_images_where_it_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"img": BYTES, "label": [1, 2, 3]})
    with pytest.raises(SpecError, match="no one column 'image'") as error:
        list(images(path))
    assert "'img', 'label'" in str(error.value)
    assert list(seen(path, column="img").values()) == PIXELS


def test_any_row_is_read_by_its_name(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"image": [*BYTES, None], "prompt": list("abcd")})
    with opened(path, prompt="prompt") as found:
        assert found.read("000000003") == BYTES[2]
        assert found.read("000000001") == BYTES[0]
        assert "no bytes" in str(found.read("000000004"))
        assert found.columns["000000002"] == {"prompt": "b"}


def test_one_image_said_a_million_times_is_refused(tmp_path: Path) -> None:
    large = png() + bytes(MAX_BYTES // 40)
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), pa.array([large]))
    path = parquet(tmp_path / "a.parquet", {"image": column}, compression="zstd")
    assert path.stat().st_size < MAX_BYTES // 100
    with pytest.raises(SpecError, match="more than 100 times its size"):
        list(images(path))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=5),
    st.floats(0, 1),
)
def test_a_damaged_file_is_failures_or_an_error(
    edits: list[tuple[float, bytes]], kept: float
) -> None:
    with tempfile.TemporaryDirectory() as root:
        path = parquet(Path(root) / "a.parquet", {"image": BYTES, "text": list("abc")})
        data = bytearray(path.read_bytes())
        for place, fresh in edits:
            start = int((1 - place**2) * (len(data) - 1))
            data[start : start + len(fresh)] = fresh
        path.write_bytes(data if kept > 0.2 else data[: int(kept * 5 * len(data))])
        try:
            found = seen(path)
        except SpecError:
            return
        assert all(isinstance(value, str | tuple) for value in found.values())
