"""An entry says what its signer signed, and is none otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.errors import AlteredError, RefusedError
from harness.ledger import keys
from harness.ledger.dsse import opened, sign
from harness.ledger.entries import KIND, NOTHING, read_entry, signed
from tests.ledger.ledgers import entry
from tests.ledger.sealed_runs import author


def test_what_is_written_reads_back() -> None:
    change = replace(entry(1).change, evidence={"seal": "5e" * 32})
    how = replace(author("asked by Bo"), audit={"log": "a", "seq": 4, "hash": "c" * 64})

    found = read_entry(1, signed(change, None, how, born=7), keys.trusted(), "x")

    assert found.change == change
    assert (found.seen, found.prev, found.born) == (0, NOTHING, 7)
    assert found.reason == "asked by Bo"
    assert found.actor == keys.signer().public.name
    assert found.audit == {"log": "a", "seq": 4, "hash": "c" * 64}


def test_it_names_the_last_entry_that_its_writer_had_read() -> None:
    text = signed(entry(2).change, entry(5), author(), born=7)

    found = read_entry(9, text, keys.trusted(), "x")

    assert (found.seen, found.prev) == (5, entry(5).digest)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("op", "delete"), ("version", 1), ("expect_epoch", -1), ("expect_epoch", True),
        ("seen", "0"), ("born", None), ("schema", "harness/promotion/v2"), ("intent", "0" * 64),
        ("version", "2"), ("time", "2026-01-01T00:00:00"), ("time", "noon"),
        ("evidence", {"seal": 1}), ("evidence", None), ("actor", None),
    ],
)  # fmt: skip
def test_a_trusted_signature_under_something_else_is_no_entry(field: str, value: Any) -> None:
    text = signed(entry(1).change, None, author(), born=7).encode()
    said = opened(text, KIND, keys.trusted()).value | {field: value}
    forged = sign(KIND, said, keys.signer()).decode()

    with pytest.raises(AlteredError, match="no promotion"):
        read_entry(1, forged, keys.trusted(), "x")


def test_two_that_ask_for_the_same_share_an_intent() -> None:
    change = entry(1).change

    assert replace(change, evidence={"run_id": "other"}).intent == change.intent
    for other in ({"version": "2"}, {"subject": "s"}, {"decision": "d"}, {"expect_epoch": 1}):
        assert replace(change, **other).intent != change.intent


def test_a_reason_has_a_limit() -> None:
    with pytest.raises(RefusedError, match="2000"):
        signed(entry(1).change, None, author("x" * 2001), born=7)
