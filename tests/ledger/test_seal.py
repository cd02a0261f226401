"""A seal shows every change to a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import AlteredError
from harness.ledger.seal import SEAL, seal, verify


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "part-0.parquet").write_bytes(b"abc")
    (tmp_path / "decision.json").write_text("{}")
    return tmp_path


def test_a_sealed_run_verifies_and_gives_its_root(run: Path) -> None:
    top = seal(run)

    assert verify(run) == verify(run, top) == top
    assert json.loads((run / SEAL).read_text())["root"] == top
    assert not list(run.glob("*.tmp"))


def test_sealing_again_gives_the_same_bytes(run: Path) -> None:
    seal(run)
    first = (run / SEAL).read_bytes()
    seal(run)

    assert (run / SEAL).read_bytes() == first


def test_every_added_removed_and_changed_file_is_named(run: Path) -> None:
    seal(run)
    (run / "scores" / "part-0.parquet").write_bytes(b"abd")
    (run / "decision.json").unlink()
    (run / "extra").touch()

    with pytest.raises(AlteredError) as caught:
        verify(run)

    assert caught.value.exit_code == 3
    assert caught.value.where.split() == [
        "added:", "extra", "removed:", "decision.json", "changed:", "scores/part-0.parquet",
    ]  # fmt: skip


def test_what_is_written_after_sealing_is_not_part_of_it(run: Path) -> None:
    top = seal(run)
    for name in (".lock", "record.json", "decision.json.1234.tmp"):
        (run / name).touch()

    assert verify(run) == top


def test_such_a_name_in_a_folder_below_is_part_of_it(run: Path) -> None:
    seal(run)
    (run / "scores" / "record.json").touch()

    with pytest.raises(AlteredError, match="changed after"):
        verify(run)


def test_a_run_sealed_again_has_another_seal(run: Path) -> None:
    top = seal(run)
    (run / "decision.json").write_text('{"outcome": "pass"}')
    seal(run)

    with pytest.raises(AlteredError, match="sealed again"):
        verify(run, top)


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"files": 1, "root": "a"}', b"\xff"])
def test_a_missing_or_broken_seal_is_an_error(run: Path, content: bytes | None) -> None:
    if content is not None:
        (run / SEAL).write_bytes(content)

    with pytest.raises(AlteredError, match="not sealed"):
        verify(run)


def test_an_edited_root_is_an_error(run: Path) -> None:
    seal(run)
    sealed = json.loads((run / SEAL).read_text())
    (run / SEAL).write_text(json.dumps(sealed | {"root": "0" * 64}))

    with pytest.raises(AlteredError, match="contradicts"):
        verify(run)


@pytest.mark.parametrize("target", ["decision.json", "scores", "/etc/hostname", "nothing"])
def test_a_link_is_refused(run: Path, target: str) -> None:
    (run / "link").symlink_to(target)

    with pytest.raises(AlteredError, match="link"):
        seal(run)


def test_a_name_that_spells_another_files_digest_is_refused(run: Path) -> None:
    (run / "a\nb").touch()

    with pytest.raises(AlteredError, match="printable"):
        seal(run)


def test_a_run_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AlteredError, match="no such folder"):
        seal(tmp_path / "absent")
    with pytest.raises(AlteredError, match="no such run"):
        verify(tmp_path / "absent")
