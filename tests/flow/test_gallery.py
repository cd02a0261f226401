"""Galleries: the worst and best are that, and every arm is drawn the same prompts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.flow.gallery import Made, choose
from harness.flow.rows import ArmKey
from harness.records import Place

ONE, TWO = ArmKey("g", "one", "1"), ArmKey("g", "two", "2")


def made(
    number: int, score: float | None = None, *, ok: bool = True, flags: int = 0, arm: str = ""
) -> Made:
    return Made(f"{arm}{number}", f"prompt {number}/0", ok, flags, score)


def named(shown: Sequence[tuple[Place, Made]], place: Place) -> list[str]:
    return [one.case for at, one in shown if at == place]


@pytest.mark.parametrize(
    ("better", "worst", "best"),
    [("higher", ["0", "1", "2"], ["29", "28", "27"]), ("lower", ["29", "28"], ["0", "1"])],
)
def test_the_worst_and_the_best_are_first_on_their_walls(
    better: str, worst: list[str], best: list[str]
) -> None:
    shown = choose({ONE: [made(n, float(n)) for n in range(30)]}, better)[ONE]
    assert named(shown, "worst")[: len(worst)] == worst
    assert named(shown, "best")[: len(best)] == best
    assert [len(named(shown, p)) for p in ("worst", "best", "drawn")] == [6, 6, 12]


def test_what_is_flagged_goes_before_what_failed_and_that_before_low_scores() -> None:
    outputs = [
        made(0, 1.0), made(1, 9.0, flags=1), made(2, None, ok=False), made(3, 8.0, flags=1),
        made(4, 2.0), made(5, 7.0), made(6, 0.5, flags=2),
        *(made(n, 9.5) for n in range(7, 20)),
    ]  # fmt: skip
    shown = choose({ONE: outputs}, "higher")[ONE]
    assert named(shown, "worst") == ["6", "3", "1", "2", "0", "4"]
    assert not {"1", "3", "6", "2"} & set(named(shown, "best"))


def test_failures_leave_room_for_the_worst_scores() -> None:
    outputs = [*(made(n, ok=False) for n in range(20)), *(made(n, 1.0) for n in range(20, 40))]
    shown = choose({ONE: outputs}, "higher")[ONE]
    assert named(shown, "worst") == ["0", "1", "20", "21", "22", "23"]


def test_without_a_score_nothing_is_called_worst_or_best() -> None:
    shown = choose({ONE: [made(n) for n in range(30)]}, "neither")[ONE]
    assert {place for place, _ in shown} == {"drawn"}


def test_every_arm_is_drawn_the_same_prompts_in_one_order() -> None:
    arms = {
        ONE: [made(n, arm="a") for n in range(50)],
        TWO: [made(n, arm="b") for n in range(10, 70)],
    }
    shown = choose(arms, "higher")
    drawn = [[one.key for _, one in shown[arm]] for arm in arms]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 12
    assert drawn[0] != [f"prompt {n}/0" for n in range(10, 22)]


def test_the_draw_asks_for_no_score() -> None:
    plain = choose({ONE: [made(n, float(n)) for n in range(50)]}, "higher")[ONE]
    turned = choose({ONE: [made(n, float(-n), flags=n % 2) for n in range(50)]}, "lower")[ONE]
    assert named(plain, "drawn") == named(turned, "drawn")


def test_arms_without_a_common_prompt_are_drawn_all_the_same() -> None:
    arms = {ONE: [made(1)], TWO: [made(2)]}
    assert all(len(shown) == 1 for shown in choose(arms, "higher").values())
    assert choose({}, "higher") == {}
    assert choose({ONE: []}, "higher") == {ONE: []}


@given(st.integers(1, 36), st.integers(0, 40))
def test_a_report_holds_no_more_pictures_than_it_can_carry(arms: int, outputs: int) -> None:
    every = {
        ArmKey("g", str(a), str(a)): [made(n, float(n)) for n in range(outputs)]
        for a in range(arms)
    }
    shown = choose(every, "higher")
    assert sum(map(len, shown.values())) <= 144
    for chosen in shown.values():
        assert not set(named(chosen, "worst")) & set(named(chosen, "best"))
        assert bool(chosen) == bool(outputs)
