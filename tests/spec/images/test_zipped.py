"""Zips: links, ciphers, twins and bombs are refused, and no damage does more."""

import io
import struct
import tempfile
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.pictures import MAX_BYTES
from harness.spec.images.zipped import MAX_DIRECTORY_BYTES
from tests.spec.images.making import COLOURS, FILES, archived, png, seen, zip_bytes


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = archived(tmp_path, ".zip")
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    found = seen(path)
    assert found.pop("link.png") == "a link, or no regular file"
    assert found == COLOURS


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    data = zip_bytes({"0": png(), "a.png": png()}, zipfile.ZIP_STORED).replace(b"0", b"\0")
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    found = seen(path)
    assert found.pop(".") == "the file's name leads outside, or is no plain text"
    assert found == {"a.png": COLOURS["a.png"]}


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archived(tmp_path, ".zip")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("./a.png", png((1, 1, 1)))
    assert seen(path)["a.png"] == "two files have this name"


def test_a_method_that_is_not_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zip_bytes(FILES, zipfile.ZIP_LZMA))
    assert set(seen(path).values()) == {"the file is compressed by a method that is not read"}


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_bytes({"a.png": FILES["a.png"]}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    assert seen(path) == {"a.png": "the file is encrypted"}


def test_a_flipped_byte_is_one_failure(tmp_path: Path) -> None:
    data = bytearray(zip_bytes(FILES, zipfile.ZIP_STORED))
    data[data.index(b"IDAT") + 8] ^= 1
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    found = seen(path)
    assert found.pop("a.png") == "the archive is broken where the file lies"
    assert found == {name: COLOURS[name] for name in found}


def test_a_zip_that_unpacks_to_a_hundred_times_its_size_is_refused(tmp_path: Path) -> None:
    pieces = dict.fromkeys((f"{n}.bmp" for n in range(5)), bytes(MAX_BYTES // 4))
    with pytest.raises(SpecError, match="more than 100 times its size"):
        seen(archived(tmp_path, ".zip", pieces))


def test_a_size_that_is_a_lie_unpacks_to_no_more(tmp_path: Path) -> None:
    data = bytearray(zip_bytes({"a.png": bytes(2**22)}))
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", data, data.index(mark) + at, 10)
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    assert seen(path) == {"a.png": "the archive is broken where the file lies"}


@pytest.mark.parametrize("wide", [False, True])
def test_an_endless_list_of_files_is_refused_before_it_is_read(
    wide: bool, tmp_path: Path
) -> None:
    data = bytearray(zip_bytes())
    end = data.rindex(b"PK\x05\x06")
    long = MAX_DIRECTORY_BYTES + 1
    struct.pack_into("<I", data, end + 12, 0xFFFFFFFF if wide else long)
    if wide:
        record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 3, 3, long, 0)
        locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
        data[end:end] = record + locator
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with pytest.raises(SpecError, match="too many files"):
        seen(path)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=5),
    st.floats(0, 1),
)
def test_a_damaged_zip_is_failures_or_an_error(
    method: int, edits: list[tuple[float, bytes]], kept: float
) -> None:
    data = bytearray(zip_bytes(FILES, method))
    for place, fresh in edits:
        # Towards the end: there lies the list of files.
        start = int((1 - place**2) * (len(data) - 1))
        data[start : start + len(fresh)] = fresh
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "a.zip"
        path.write_bytes(data if kept > 0.2 else data[: int(kept * 5 * len(data))])
        try:
            found = seen(path)
        except SpecError:
            return
        assert all(isinstance(value, str | tuple) for value in found.values())


def test_what_lies_before_a_zip_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"#!/bin/sh\n" + zip_bytes())
    assert zipfile.is_zipfile(io.BytesIO(path.read_bytes()))
    assert seen(path) == COLOURS
