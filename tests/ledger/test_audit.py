"""The audit log: entries are only ever added, and any change of them is seen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness import digests
from harness.errors import AlteredError, RefusedError
from harness.ledger import audit
from harness.ledger.audit import Checkpoint

ROOT = Path(__file__).resolve().parents[2]
SECRET = "what was said in confidence"
WRITER = """
import sys
from harness.ledger import audit
for i in range(int(sys.argv[2])):
    audit.note("judge", {"n": i}, about={"writer": sys.argv[1], "n": str(i)})
    print(i, flush=True)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the place of an empty log, which is the one in use, and a key to be known by."""
    monkeypatch.setenv("HARNESS_AUDIT_LOG", str(tmp_path / "logs" / "audit.jsonl"))
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "keys"))
    return tmp_path / "logs" / "audit.jsonl"


def noted(count: int = 3) -> list[Checkpoint]:
    return [audit.note("promote", {"said": SECRET, "n": n}, about={"run": f"r{n}"})
            for n in range(count)]  # fmt: skip


def test_an_entry_says_who_did_what_when_and_digests_the_rest(log: Path) -> None:
    point = noted(1)[0]

    (entry,) = audit.verify(log).entries
    assert entry.keys() == {
        "seq", "ts", "actor", "action", "payload_sha256", "about", "prev", "hash",
    }  # fmt: skip
    assert entry["payload_sha256"] == digests.of_json({"said": SECRET, "n": 0})
    assert datetime.fromisoformat(entry["ts"]).tzinfo == UTC
    assert (entry["action"], entry["about"]) == ("promote", {"run": "r0"})
    assert point == Checkpoint(entry["hash"], 1, entry["hash"]) == audit.head()
    assert SECRET not in log.read_text()


def test_the_log_is_in_runs_where_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARNESS_AUDIT_LOG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert audit.head() is None
    noted(1)
    assert (tmp_path / "runs" / "audit.jsonl").is_file()


def test_each_checkpoint_is_held_by_a_whole_log(log: Path) -> None:
    points = noted()

    report = audit.verify(log)
    assert len({point.log for point in points}) == 1
    assert all(report.holds(point) for point in points)
    assert all(audit.parse(str(point)) == point for point in points)


def test_a_tail_that_was_cut_off_shows_against_a_checkpoint_only(log: Path) -> None:
    points = noted()
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2]))

    report = audit.verify(log)
    assert report.head == points[1]
    assert [report.holds(point) for point in points] == [True, True, False]
    audit.note("promote", {}, about={})
    assert not audit.verify(log).holds(points[2])


def test_another_log_holds_no_checkpoint_of_this_one(log: Path) -> None:
    points = noted()
    log.unlink()
    noted()

    report = audit.verify(log)
    assert not any(report.concerns(point) or report.holds(point) for point in points)


@pytest.mark.parametrize("number", [0, -1, 4])
def test_a_checkpoint_of_no_entry_is_not_held(log: Path, number: int) -> None:
    point = noted()[-1]

    assert not audit.verify(log).holds(Checkpoint(point.log, number, point.hash))


@pytest.mark.parametrize("name", ["ts", "actor", "action", "payload_sha256", "about"])
def test_an_edited_entry_is_seen(log: Path, name: str) -> None:
    noted()
    lines = log.read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), name: "other"})
    log.write_text("\n".join(lines) + "\n")

    with pytest.raises(AlteredError, match="not what was written") as raised:
        audit.verify(log)
    assert raised.value.where == f"{log}:2"
    with pytest.raises(AlteredError):
        audit.note("promote", {}, about={})


def test_a_removed_entry_is_seen(log: Path) -> None:
    noted()
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + lines[2])

    with pytest.raises(AlteredError):
        audit.verify(log)


def test_a_torn_last_line_is_told_and_written_over(log: Path) -> None:
    points = noted()
    with log.open("ab") as file:
        file.write(b'{"about":{"ru')

    report = audit.verify(log)
    assert (report.unfinished, report.head) == (13, points[-1])
    assert audit.note("promote", {}, about={}).seq == 4
    assert audit.verify(log).unfinished == 0


def test_a_log_that_is_not_there_is_no_whole_log(log: Path) -> None:
    with pytest.raises(AlteredError, match="no audit log"):
        audit.verify(log)


@pytest.mark.parametrize("value", ["word " * 50, "two\nlines"])
def test_content_is_refused(log: Path, value: str) -> None:
    with pytest.raises(RefusedError, match="names and digests"):
        audit.note("promote", {}, about={"text": value})
    assert not log.exists()


@pytest.mark.parametrize("text", ["", "abc", "abc:1", "abc:x:def", "abc:-1:def"])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="LOG:SEQ:HASH"):
        audit.parse(text)


def begun(name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, name, str(count)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


def test_writers_at_once_lose_nothing_and_share_one_chain(log: Path) -> None:
    noted(1)
    writers = [begun(f"w{n}", 20) for n in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.communicate()

    about = [tuple(entry["about"].values()) for entry in audit.verify(log).entries[1:]]
    assert len(set(about)) == len(about) == 60


def test_a_writer_that_is_killed_loses_no_entry_that_it_was_told_of(log: Path) -> None:
    noted(1)
    for kill in range(4):
        writer = begun(f"k{kill}", 10_000)
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(5 + kill)]
        os.kill(writer.pid, signal.SIGKILL)
        rest, _ = writer.communicate()
        told += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        kept = [e for e in audit.verify(log).entries if e["about"].get("writer") == f"k{kill}"]
        assert writer.returncode == -signal.SIGKILL
        assert len(kept) in (len(told), len(told) + 1)
        assert audit.note("promote", {}, about={}).seq == len(audit.verify(log).entries)
