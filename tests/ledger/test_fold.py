"""A ledger comes to one state: the first entry at an epoch counts, and nothing undoes it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.ledger.entries import Entry, Op
from harness.ledger.fold import State, fold
from tests.ledger.ledgers import entry


def reasons(state: State) -> dict[int, str]:
    return {ignored.number: why for ignored, why in state.ignored}


def served(state: State) -> str | None:
    return state.serving.change.version if state.serving else None


def test_an_empty_ledger_serves_nothing() -> None:
    state = fold([])

    assert (state.epoch, state.serving, state.frozen, state.promoted) == (0, None, None, None)


def test_of_two_written_at_one_epoch_the_first_counts() -> None:
    state = fold([entry(1, version="7"), entry(2, version="8", epoch=0)])

    assert (state.epoch, served(state)) == (1, "7")
    assert reasons(state) == {2: "written for epoch 0, and it was 1"}


def test_an_entry_that_arrived_twice_counts_once() -> None:
    state = fold([entry(1), entry(2, epoch=0), entry(3, epoch=0)])

    assert state.epoch == 1
    assert reasons(state) == {2: "repeats entry 1", 3: "repeats entry 1"}


def test_an_entry_for_an_epoch_to_come_does_not_count_when_it_comes() -> None:
    state = fold([entry(1, epoch=1), entry(2, version="2", epoch=0)])

    assert served(state) == "2"
    assert reasons(state) == {1: "written for epoch 1, and it was 0"}


def test_a_rollback_serves_a_promoted_version_again() -> None:
    state = fold([entry(1), entry(2, version="2"), entry(3, "rollback")])

    assert (served(state), state.epoch) == ("1", 3)
    assert state.promoted == entry(2, version="2")


def test_a_rollback_to_what_was_never_promoted_is_passed_over() -> None:
    other = entry(2, "rollback")
    swapped = replace(other, change=replace(other.change, subject="another model"))

    state = fold([entry(1), swapped, entry(3, "rollback", "9", epoch=1)])

    assert served(state) == "1"
    assert reasons(state) == {
        2: "version 1 was never promoted", 3: "version 9 was never promoted",
    }  # fmt: skip


def test_a_version_whose_promotion_lost_is_no_target_of_a_rollback() -> None:
    state = fold([entry(1), entry(2, version="2", epoch=0), entry(3, "rollback", "2", epoch=1)])

    assert reasons(state)[3] == "version 2 was never promoted"


def test_what_is_frozen_changes_only_after_it_is_unfrozen() -> None:
    frozen = [entry(1), entry(2, "freeze")]
    held = [entry(3, version="2", epoch=2), entry(4, "rollback", epoch=2)]
    state = fold(frozen + held)
    assert state.frozen == frozen[1]
    assert set(reasons(state).values()) == {"the alias was frozen"}

    state = fold(
        [*frozen, *held, entry(5, "unfreeze", epoch=2), entry(6, version="2", epoch=3)]
    )

    assert (state.frozen, served(state), state.epoch) == (None, "2", 4)


def test_only_what_is_frozen_is_unfrozen() -> None:
    assert reasons(fold([entry(1, "unfreeze")])) == {1: "nothing was frozen"}


def test_an_applied_entry_knows_its_epoch() -> None:
    state = fold([entry(1), entry(2, epoch=0), entry(3, version="2", epoch=1)])

    assert [state.epoch_of(entry(n)) for n in (1, 2, 3)] == [1, None, 2]


@st.composite
def written(draw: st.DrawFn) -> list[Entry]:
    """Draw what writers append, each having read some earlier state, or repeating itself."""
    ops: tuple[Op, ...] = ("promote", "promote", "promote", "rollback", "freeze", "unfreeze")
    entries: list[Entry] = []
    for number in range(1, draw(st.integers(0, 20)) + 1):
        epoch = fold(entries[: draw(st.integers(0, len(entries)))]).epoch
        again = draw(st.integers(0, 9)) == 0 and entries
        one = entry(number, draw(st.sampled_from(ops)), draw(st.sampled_from("123456")), epoch)
        old = draw(st.sampled_from(entries)) if again else one
        entries.append(replace(one, change=old.change))
    return entries


@given(written())
def test_however_writers_interleave_each_epoch_is_one_entrys(entries: list[Entry]) -> None:
    state = fold(entries)

    assert [e.change.expect_epoch for e in state.applied] == list(range(state.epoch))
    numbers = [e.number for e in state.applied] + [e.number for e, _ in state.ignored]
    assert sorted(numbers) == [e.number for e in entries]


@given(written(), st.data())
def test_what_follows_never_changes_what_a_prefix_came_to(
    entries: list[Entry], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(entries)))
    before, after = fold(entries[:cut]), fold(entries)

    assert after.applied[: before.epoch] == before.applied
    assert after.ignored[: len(before.ignored)] == before.ignored


@given(written())
def test_what_is_served_was_promoted_with_the_same_digest(entries: list[Entry]) -> None:
    state = fold(entries)

    if (serving := state.serving) is not None:
        gated = state.gated(serving.change.version)
        assert gated is not None
        assert gated.change.subject == serving.change.subject


@given(written())
def test_while_frozen_nothing_else_is_served(entries: list[Entry]) -> None:
    frozen = False
    for applied in fold(entries).applied:
        assert not frozen or applied.change.op == "unfreeze"
        frozen = applied.change.op == "freeze"
