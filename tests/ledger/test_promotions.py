"""The ledger in MLflow is read whole or not at all, and added to once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import AlteredError, TrackingError
from harness.ledger import keys
from harness.ledger.connection import Server, connected
from harness.ledger.entries import Change, signed
from harness.ledger.fold import fold
from harness.ledger.heads import HEADS, Heads
from harness.ledger.journal import Journal
from harness.ledger.promotions import ENTRY, Ledger, append, label_of, read
from tests.ledger.ledgers import entry
from tests.ledger.sealed_runs import author

NAME = "m.champion.promotions"


@pytest.fixture
def server(
    mlflow_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "keys"))
    with connected() as opened:
        yield opened


def now(server: Server) -> Ledger:
    return read(server, "m", "champion", keys.trusted())


def change(number: int) -> Change:
    return entry(number, version=str(number)).change


def fill(server: Server, count: int = 3) -> Ledger:
    ledger = now(server)
    for number in range(1, count + 1):
        ledger, _ = append(server, ledger, change(number), author())
    return ledger


def born(server: Server) -> int:
    return int(server.client.get_registered_model(NAME).creation_timestamp)


def put(server: Server, text: str) -> None:
    server.client.create_model_version(NAME, "harness:/promotion", tags={ENTRY: text})


def test_entries_come_back_numbered_linked_and_signed(server: Server) -> None:
    fill(server)

    found = now(server).entries

    assert [(e.number, e.seen, e.change.version) for e in found] == [
        (1, 0, "1"), (2, 1, "2"), (3, 2, "3"),
    ]  # fmt: skip
    assert [e.prev for e in found[1:]] == [e.digest for e in found[:-1]]
    assert fold(found).epoch == 3


def test_a_ledger_that_was_never_written_is_empty_and_not_made_by_reading(
    server: Server,
) -> None:
    assert now(server).entries == ()
    assert not server.client.search_registered_models()


def test_entries_by_others_may_stand_between_an_entry_and_what_its_writer_saw(
    server: Server,
) -> None:
    stale = fill(server, 1)
    append(server, stale, change(2), author())

    later, own = append(server, stale, entry(2, version="7").change, author())

    assert (own.number, own.seen) == (3, 1)
    assert fold(later.entries).epoch == 2


def test_the_same_change_written_again_is_found_to_be_there(server: Server) -> None:
    stale = now(server)
    _, first = append(server, stale, change(1), author())

    ledger, again = append(server, stale, change(1), author())

    assert again == first
    assert fold(ledger.entries).epoch == 1


class Unsure:
    """A client whose first writes are lost, before or after MLflow made them."""

    def __init__(self, client: Any, losses: list[str]) -> None:
        self._client, self._losses = client, losses

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_model_version(self, *args: Any, **named: Any) -> Any:
        from mlflow.exceptions import MlflowException

        loss = self._losses.pop(0) if self._losses else ""
        if loss == "request":
            raise MlflowException("API request failed with exception: timed out")
        made = self._client.create_model_version(*args, **named)
        if loss == "answer":
            raise MlflowException("API request failed with exception: timed out")
        return made


@pytest.mark.parametrize("losses", [["request", "request"], ["answer"], ["request", "answer"]])
def test_a_lost_request_or_answer_leaves_one_entry(
    server: Server, losses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.ledger.registered.time.sleep", lambda _: None)
    unsure = replace(server, client=Unsure(server.client, losses))

    ledger, own = append(unsure, now(server), change(1), author())

    assert not losses
    assert (len(ledger.entries), own.number) == (1, 1)


def test_a_server_that_takes_nothing_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.ledger.registered.time.sleep", lambda _: None)
    unsure = replace(server, client=Unsure(server.client, ["request"] * 99))

    with pytest.raises(TrackingError, match="in 8 attempts"):
        append(unsure, now(server), change(1), author())
    assert now(server).entries == ()


def test_an_edited_entry_is_named(server: Server) -> None:
    ledger = fill(server)
    text = server.client.get_model_version(NAME, "2").tags[ENTRY]
    server.client.set_model_version_tag(NAME, "2", ENTRY, text.replace("A", "B", 1))

    with pytest.raises(AlteredError) as caught:
        now(server)
    assert caught.value.exit_code == 3
    assert caught.value.where == f"{NAME}, entry 2"
    assert len(ledger.entries) == 3


def test_an_entry_without_its_text_is_named(server: Server) -> None:
    fill(server)
    server.client.delete_model_version_tag(NAME, "3", ENTRY)

    with pytest.raises(AlteredError, match="lost its text"):
        now(server)


def test_an_entry_deleted_from_the_middle_is_named(server: Server) -> None:
    fill(server)
    server.client.delete_model_version(NAME, "2")

    with pytest.raises(AlteredError, match="was deleted") as caught:
        now(server)
    assert caught.value.where.endswith("entry 2")


def test_entries_cut_off_the_end_are_missed_by_a_machine_that_saw_them(
    server: Server,
) -> None:
    fill(server)
    server.client.delete_model_version(NAME, "3")

    with pytest.raises(
        AlteredError, match="ends at entry 2, and this machine has seen entry 3"
    ):
        now(server)


def test_entries_cut_off_the_end_are_missed_by_anyone_once_another_follows(
    server: Server, tmp_path: Path
) -> None:
    ledger = fill(server)
    server.client.delete_model_version(NAME, "3")
    (tmp_path / "keys" / HEADS).unlink()

    cut = now(server)
    assert len(cut.entries) == 2
    with pytest.raises(AlteredError, match="was deleted"):
        append(server, cut, entry(3, version="9").change, author())
    assert len(ledger.entries) == 3


def test_an_entry_put_in_place_of_one_that_was_seen_is_missed(
    server: Server, tmp_path: Path
) -> None:
    ledger = fill(server, 2)
    other = signed(entry(2, version="9").change, ledger.entries[0], author(), born=born(server))
    server.client.set_model_version_tag(NAME, "2", ENTRY, other)

    with pytest.raises(AlteredError, match="entry 2 is not the one that this machine has seen"):
        now(server)


def test_an_earlier_entry_exchanged_by_a_trusted_hand_breaks_the_links(server: Server) -> None:
    fill(server)
    other = signed(entry(1, version="9").change, None, author("later"), born=born(server))
    server.client.set_model_version_tag(NAME, "1", ENTRY, other)

    with pytest.raises(AlteredError, match="names another entry 1"):
        now(server)


def test_an_entry_signed_by_nobody_trusted_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = fill(server)
    believed = keys.trusted()
    monkeypatch.setenv("HARNESS_KEYS", str(tmp_path / "intruder"))
    put(server, signed(entry(4, version="9").change, ledger.last, author(), born=born(server)))

    with pytest.raises(AlteredError, match="not trusted here") as caught:
        read(server, "m", "champion", believed)
    assert caught.value.where == f"{NAME}, entry 4"


def test_an_entry_of_another_alias_is_refused(server: Server) -> None:
    ledger = fill(server)
    put(
        server,
        signed(replace(change(4), alias="canary"), ledger.last, author(), born=born(server)),
    )

    with pytest.raises(AlteredError, match="written to another ledger"):
        now(server)


def test_an_old_entry_copied_to_the_end_changes_nothing(server: Server) -> None:
    before = fill(server)
    put(server, server.client.get_model_version(NAME, "1").tags[ENTRY])

    after = now(server)

    assert fold(after.entries).applied == fold(before.entries).applied
    assert len(after.entries) == 4


def test_a_ledger_deleted_as_a_whole_is_missed_by_a_machine_that_saw_it(server: Server) -> None:
    fill(server)
    server.client.delete_registered_model(NAME)

    with pytest.raises(AlteredError, match="ends at entry 0"):
        now(server)


def test_entries_put_into_a_ledger_made_anew_count_no_more(
    server: Server, tmp_path: Path
) -> None:
    fill(server)
    texts = [server.client.get_model_version(NAME, f"{n}").tags[ENTRY] for n in (1, 2)]
    server.client.delete_registered_model(NAME)
    (tmp_path / "keys" / HEADS).unlink()
    server.client.create_registered_model(NAME)
    for text in texts:
        put(server, text)

    with pytest.raises(AlteredError, match="written to another ledger"):
        now(server)


def test_the_ledgers_of_two_workspaces_are_two(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(server)
    server.client.delete_registered_model(NAME)
    monkeypatch.setenv("MLFLOW_WORKSPACE", "other")

    Heads(server, NAME).check([])

    monkeypatch.delenv("MLFLOW_WORKSPACE")
    with pytest.raises(AlteredError, match="ends at entry 0"):
        Heads(server, NAME).check([])


@pytest.mark.parametrize("trace", ["alias", "label"])
def test_a_ledger_deleted_as_a_whole_is_missed_where_a_trace_of_it_remains(
    server: Server, tmp_path: Path, trace: str
) -> None:
    fill(server)
    server.client.delete_registered_model(NAME)
    (tmp_path / "keys" / HEADS).unlink()
    server.client.create_registered_model("m")
    tags = {label_of("champion"): f"{NAME}#1"} if trace == "label" else {}
    server.client.create_model_version("m", "harness:/model", tags=tags)
    if trace == "alias":
        server.client.set_registered_model_alias("m", "champion", "1")

    with pytest.raises(AlteredError, match="has no ledger of 'champion', and yet"):
        now(server)


def test_a_copied_label_of_another_model_is_no_trace(server: Server) -> None:
    server.client.create_registered_model("m")
    tags = {label_of("champion"): "staging.champion.promotions#1"}
    server.client.create_model_version("m", "harness:/model", tags=tags)

    assert now(server).entries == ()


def test_what_this_machine_has_seen_is_kept_once_for_each_entry(
    server: Server, tmp_path: Path
) -> None:
    fill(server)
    now(server)

    seen = Journal(tmp_path / "keys" / HEADS).read()

    assert [line["number"] for line in seen] == [1, 2, 3]
    assert {line["ledger"] for line in seen} == {NAME}


def test_a_database_started_afresh_at_the_same_address_is_another_one(server: Server) -> None:
    fill(server)
    server.client.delete_registered_model(NAME)
    from sqlalchemy import create_engine, text

    engine = create_engine(server.uri)
    with engine.begin() as connection:
        connection.execute(text("UPDATE experiments SET creation_time = creation_time + 1"))
    engine.dispose()

    assert now(server).entries == ()
