"""Tables are read row by row, and each broken line is named."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.spec.tables import rows


def written(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_jsonl_rows_come_with_their_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '\ufeff{"a": 1}\r\n\n{"a": "\\ud83d\\ude00"}')
    assert list(rows(path)) == [(1, {"a": 1}), (3, {"a": "😀"})]


BROKEN = {
    "{": "Expecting property name",
    "[1]": "is not an object",
    '{"a": NaN}': "no finite number",
    '{"a": 1e999}': "no finite number",
    '{"a": 1, "a": 2}': "'a' is there twice",
    '{"a": "\\ud800"}': "surrogate",
    "[" * 100_000: "not JSON",
    '{"a": ' + "9" * 5000 + "}": "not JSON",
}


@pytest.mark.parametrize("line", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_jsonl_line_is_named(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, "a.jsonl", f'{{"a": 1}}\n{line}\n{{"a": 2}}\n')
    with pytest.raises(SpecError, match=re.escape(BROKEN[line])) as caught:
        list(rows(path))
    assert caught.value.where == f"{path}:2"


def test_good_rows_around_a_broken_line_are_still_read(tmp_path: Path) -> None:
    stream = rows(written(tmp_path, "a.jsonl", '{"a": 1}\n{\n{"a": 2}\n'))
    assert [next(stream), next(stream)] == [(1, {"a": 1}), (3, {"a": 2})]
    with pytest.raises(SpecError):
        next(stream)


def test_the_first_twenty_broken_lines_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", "x\n" * 25)
    with pytest.raises(SpecError, match=r"25 things .*") as caught:
        list(rows(path))
    message = str(caught.value)
    assert f"{path}:20: not JSON" in message
    assert f"{path}:21:" not in message
    assert "and 5 more" in message


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", b'{"a": 1}\n{"a": "\xe9"}\n')
    with pytest.raises(SpecError, match="not UTF-8 from byte 8") as caught:
        list(rows(path))
    assert caught.value.where == f"{path}:2"


def test_csv_takes_a_byte_order_mark_and_lines_within_quotes(tmp_path: Path) -> None:
    text = '\ufeffprompt,n\r\n"two\r\nlines, one cell",1\r\n\r\nplain,2\r\n'
    path = written(tmp_path, "a.csv", text)
    assert list(rows(path)) == [
        (2, {"prompt": "two\r\nlines, one cell", "n": "1"}),
        (5, {"prompt": "plain", "n": "2"}),
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a,b\n1,2,3\n", 2, "3 cells under 2 columns"),
        ("a,b\n1\n", 2, "1 cells under 2 columns"),
        ('a,b\n1,2\n"x"y,2\n', 3, "not CSV"),
        ('a,b\n"never closed,2\n', 2, "not CSV"),
        ("a,a\n1,2\n", 1, "['a']"),
        ("a,\n1,2\n", 1, "without a name"),
        (f"a\n{'x' * 200_000}\n", 2, "field larger"),
        ("a\n\xe9\n".encode("latin-1").decode("utf-8", "surrogateescape"), 2, "not UTF-8"),
    ],
)
def test_a_broken_csv_line_is_named(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = written(tmp_path, "a.csv", text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SpecError, match=re.escape(said)) as caught:
        list(rows(path))
    assert caught.value.where == f"{path}:{line}"


def test_parquet_rows_are_numbered_and_nan_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"p": ["x", None], "n": [float("nan"), 2.0]}), path)
    assert list(rows(path)) == [(1, {"p": "x", "n": None}), (2, {"p": None, "n": 2.0})]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"not parquet at all", b"PAR1" + b"\xff" * 64])
def test_what_is_no_parquet_is_a_spec_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SpecError):
        list(rows(written(tmp_path, "a.parquet", data)))


def test_a_file_that_cannot_be_a_table_is_a_spec_error(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    for name in ("a.txt", "a", "gone.jsonl", "gone.parquet", "folder.jsonl", "a\0.jsonl"):
        with pytest.raises(SpecError):
            list(rows(tmp_path / name))
    with pytest.raises(SpecError, match="UTF-16"):
        list(rows(written(tmp_path, "b.jsonl", '{"a": 1}'.encode("utf-16"))))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=200), suffix=st.sampled_from(["jsonl", "csv", "parquet"]))
def test_no_bytes_raise_anything_but_a_spec_error(
    tmp_path: Path, data: bytes, suffix: str
) -> None:
    path = written(tmp_path, f"a.{suffix}", data)
    try:
        found = list(rows(path))
    except SpecError:
        return
    assert [number for number, _ in found] == sorted({number for number, _ in found})
