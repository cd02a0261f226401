"""A disk that fills up stops the run, loses nothing, and the same command goes on after."""

from __future__ import annotations

import errno
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import main
from harness.spool import Spool
from tests.flow.killing import FINAL, write

STEP = 256  # KiB


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one step, of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    asked = ["mount", "-t", "tmpfs", "-o", f"size={STEP}k", "harness-test", str(place)]
    mounted = subprocess.run(asked, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this account may not mount a file system: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_stops_a_run_and_room_lets_it_go_on(
    tmp_path: Path, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    asked = ["run", str(tmp_path / "suite.yaml"), "-p", str(tmp_path / "policy.yaml"), "--out"]
    assert main([*asked, str(tmp_path / "whole")]) == 0

    full = 0
    while (code := main([*asked, str(disk / "run")])) != 0:
        said = capsys.readouterr().err
        assert code == 3
        assert "No space left on device" in said
        assert "finished work is kept" in said
        full += 1
        assert full < 40
        room = f"remount,size={(full + 1) * STEP}k"
        subprocess.run(["mount", "-o", room, str(disk)], check=True)

    assert full >= 3
    assert not list((disk / "run").rglob("*.tmp"))
    for name in FINAL:
        assert (disk / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_full_folder_of_temporary_files_is_named(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    spool = Spool()
    with pytest.raises(OSError, match="No space left on device") as caught:
        for _ in range(STEP):
            spool.add("x" * 4096)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(disk)
