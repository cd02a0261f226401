"""Rolling back, freezing and reconciling change what the ledger allows, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import AlteredError, ConflictError, RefusedError
from harness.ledger import keys
from harness.ledger.connection import connected
from harness.ledger.operations import freeze, freezes, reconcile, rollback, standing, unfreeze
from harness.ledger.promotions import append, read
from tests.ledger.ledgers import Passed, passed
from tests.ledger.sealed_runs import author


@pytest.fixture
def two(client: Any, tmp_path: Path) -> tuple[Passed, Passed]:
    """Give two versions of `m` that passed; the second is served, after the first was."""
    pair = passed(tmp_path / "one", b"one"), passed(tmp_path / "two", b"two")
    for one in pair:
        one.promote()
    return pair


def served(client: Any) -> str | None:
    version = client.get_registered_model("m").aliases.get("champion")
    return None if version is None else str(version)


def test_a_rollback_serves_the_version_before(client: Any, two: tuple[Passed, Passed]) -> None:
    moved = rollback("m", "champion", "1", author("it was slow"))

    assert (served(client), moved.version, moved.previous, moved.epoch) == ("1", "1", "2", 3)
    assert moved.entry.reason == "it was slow"
    assert moved.seal == two[0].found.recorded.seal


def test_only_what_was_promoted_and_is_unchanged_is_rolled_back_to(
    client: Any, two: tuple[Passed, Passed], tmp_path: Path
) -> None:
    failed = passed(tmp_path / "bad", b"bad", "fail")
    with pytest.raises(RefusedError, match="never promoted"):
        rollback("m", "champion", failed.version, author())
    with pytest.raises(RefusedError, match="serves version 2 already"):
        rollback("m", "champion", "2", author())
    place = client.get_run(two[0].found.recorded.parent).info.artifact_uri
    next(Path(place.removeprefix("file://")).rglob("model.safetensors")).write_bytes(b"other")
    with pytest.raises(RefusedError, match="no longer what was promoted"):
        rollback("m", "champion", "1", author())

    assert served(client) == "2"
    assert standing("m", "champion", keys.trusted()).epoch == 2


def test_what_is_frozen_stays_until_it_is_unfrozen(
    client: Any, two: tuple[Passed, Passed]
) -> None:
    held = freeze("m", "champion", author("incident 12"))
    state = held.state
    assert not held.already
    assert state.frozen is not None
    again = freeze("m", "champion", author())
    assert (again.already, again.state.epoch) == (True, state.epoch)
    assert freezes("m", keys.trusted()).keys() == {"champion"}
    with pytest.raises(RefusedError, match="frozen: incident 12") as caught:
        two[0].promote()
    assert caught.value.exit_code == 3
    with pytest.raises(RefusedError, match="frozen"):
        rollback("m", "champion", "1", author())
    assert served(client) == "2"

    assert unfreeze("m", "champion", author()).state.frozen is None
    assert freezes("m", keys.trusted()) == {}
    again = unfreeze("m", "champion", author())
    assert (again.already, again.state.epoch) == (True, 4)
    assert two[0].promote().epoch == 5
    assert served(client) == "1"


def test_an_alias_may_be_frozen_before_anything_is_promoted(
    client: Any, tmp_path: Path
) -> None:
    one = passed(tmp_path / "one", b"one")
    freeze("m", "champion", author("not yet"))

    with pytest.raises(RefusedError, match="not yet"):
        one.promote()
    assert served(client) is None
    assert one.promote("canary").epoch == 1


def test_the_loser_is_told_who_was_first(client: Any, two: tuple[Passed, Passed]) -> None:
    epoch = standing("m", "champion", keys.trusted()).epoch
    two[0].promote()

    with pytest.raises(
        ConflictError, match="someone else was first: promote version 1"
    ) as caught:
        two[1].promote(epoch=epoch)

    assert caught.value.exit_code == 4
    assert keys.signer().public.name in caught.value.where
    assert served(client) == "1"
    assert standing("m", "champion", keys.trusted()).ignored == ()


def test_promoting_what_is_served_writes_nothing(
    client: Any, two: tuple[Passed, Passed]
) -> None:
    again = two[1].promote()

    assert (again.epoch, again.previous) == (2, "1")
    assert standing("m", "champion", keys.trusted()).epoch == 2


def test_what_a_crash_left_undone_is_finished(client: Any, two: tuple[Passed, Passed]) -> None:
    with connected() as server:  # written, and then the writer is gone
        ledger = read(server, "m", "champion", keys.trusted())
        first = ledger.entries[0].change
        append(server, ledger, replace(first, expect_epoch=2), author())
    assert served(client) == "2"

    done = reconcile("m", "champion", keys.trusted())

    assert (done.before, done.after, done.unnamed) == ("2", "1", ())
    assert served(client) == "1"
    label = client.get_model_version("m", "1").tags["harness.promotion.champion"]
    assert label == "m.champion.promotions#3"


def test_an_alias_moved_or_deleted_by_hand_is_put_back(
    client: Any, two: tuple[Passed, Passed]
) -> None:
    client.set_registered_model_alias("m", "champion", "1")
    assert reconcile("m", "champion", keys.trusted()).before == "1"
    assert served(client) == "2"

    client.delete_registered_model_alias("m", "champion")
    assert reconcile("m", "champion", keys.trusted()).before is None
    assert served(client) == "2"


def test_an_alias_set_by_hand_while_nothing_is_promoted_is_taken_away(
    client: Any, tmp_path: Path
) -> None:
    failed = passed(tmp_path / "bad", b"bad", "fail")
    freeze("m", "champion", author())
    client.set_registered_model_alias("m", "champion", failed.version)

    done = reconcile("m", "champion", keys.trusted())

    assert (done.before, done.after, served(client)) == ("1", None, None)


def test_a_deleted_version_is_told_and_another_can_be_promoted(
    client: Any, two: tuple[Passed, Passed], tmp_path: Path
) -> None:
    client.delete_model_version("m", "2")

    with pytest.raises(AlteredError, match="version 2 of 'm' is served by its ledger"):
        reconcile("m", "champion", keys.trusted())

    assert rollback("m", "champion", "1", author()).epoch == 3
    assert served(client) == "1"


def test_a_label_that_no_entry_bears_out_is_told(
    client: Any, two: tuple[Passed, Passed], tmp_path: Path
) -> None:
    failed = passed(tmp_path / "bad", b"bad", "fail")
    for name, value in client.get_model_version("m", "2").tags.items():
        client.set_model_version_tag("m", failed.version, name, value)

    done = reconcile("m", "champion", keys.trusted())

    assert done.unnamed == ("version 3: harness.promotion.champion is m.champion.promotions#2",)


def test_a_copied_version_carries_a_verdict_that_counts_nowhere(
    client: Any, two: tuple[Passed, Passed]
) -> None:
    client.create_registered_model("n")
    client.copy_model_version("models:/m/2", "n")
    client.delete_model_version_tag("n", "1", "harness.promotion.champion")

    done = reconcile("n", "champion", keys.trusted())

    assert done.unnamed == ("version 1: harness.outcome, and no promotion",)
    client.set_registered_model_alias("n", "champion", "1")
    with pytest.raises(AlteredError, match="has no ledger"):
        reconcile("n", "champion", keys.trusted())


def test_a_model_that_is_not_there_is_told(client: Any) -> None:
    for act in (freeze, unfreeze):
        with pytest.raises(RefusedError, match="no registered model"):
            act("nothing", "champion", author())
    with pytest.raises(RefusedError, match="no registered model"):
        reconcile("nothing", "champion", keys.trusted())
