"""The journal: entries are only ever added, and any change of one is seen."""

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import AlteredError
from harness.ledger.journal import FIRST, Journal


def filled(path: Path, count: int = 3) -> Journal:
    journal = Journal(path)
    journal.add([{"event": f"e{i}"} for i in range(count)])
    return journal


def test_entries_come_back_in_order_and_chained(tmp_path: Path) -> None:
    entries = filled(tmp_path / "j").read()
    assert [entry["event"] for entry in entries] == ["e0", "e1", "e2"]
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert [FIRST, *(entry["hash"] for entry in entries[:-1])] == [e["prev"] for e in entries]


def test_a_journal_that_does_not_exist_is_empty_and_is_not_made_by_reading(
    tmp_path: Path,
) -> None:
    assert Journal(tmp_path / "j").read() == []
    assert Journal(tmp_path / "j").add([]) == []
    assert not (tmp_path / "j").exists()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_flipped_bit_anywhere_but_the_last_line_end_is_seen(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("flip") / "j"
    filled(path)
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 2))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    with pytest.raises(AlteredError, match="not what was written"):
        Journal(path).read()


def test_an_entry_taken_out_of_the_middle_is_seen_with_its_line(tmp_path: Path) -> None:
    journal = filled(tmp_path / "j")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join([lines[0], lines[2]]))
    with pytest.raises(AlteredError) as raised:
        journal.read()
    assert raised.value.where.endswith("j:2")
    with pytest.raises(AlteredError):
        journal.add([{"event": "more"}])


def test_a_line_a_crash_left_unfinished_is_dropped_and_overwritten(tmp_path: Path) -> None:
    journal = filled(tmp_path / "j")
    with journal.path.open("ab") as file:
        file.write(b'{"event":"half')
    assert len(journal.read()) == 3
    journal.add([{"event": "next"}])
    assert [entry["event"] for entry in journal.read()] == ["e0", "e1", "e2", "next"]


def _add(path: str, name: str) -> None:
    for i in range(20):
        Journal(Path(path)).add([{"event": f"{name}-{i}"}])


def test_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_add, args=(str(tmp_path / "j"), f"p{n}")) for n in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    entries = Journal(tmp_path / "j").read()
    assert len(entries) == 80
    assert len({entry["event"] for entry in entries}) == 80


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = filled(tmp_path / "j").path
    assert path.stat().st_mode & 0o777 == 0o600
    assert all(json.loads(line) for line in path.read_text().splitlines())
