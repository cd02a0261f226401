"""Files that a crash leaves old or new, never half."""

import json
from pathlib import Path

import pytest

from harness import durable


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    durable.write(path, b"old")

    def half(scratch: Path) -> None:
        scratch.write_bytes(b"ha")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        durable.write_with(path, half)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_private_and_json_is_the_same_bytes_for_equal_values(tmp_path: Path) -> None:
    durable.write_json(tmp_path / "a", {"b": 1, "a": "\u4f60"})
    durable.write_json(tmp_path / "b", {"a": "\u4f60", "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_bytes()) == {"a": "\u4f60", "b": 1}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        durable.write_json(tmp_path / "a", float("nan"))
    assert not list(tmp_path.iterdir())
