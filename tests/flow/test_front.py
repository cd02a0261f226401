"""The Pareto front, and a recommendation only where the evidence carries one."""

from hypothesis import given
from hypothesis import strategies as st

from harness.comparison import Contender, Contest, Standing
from harness.flow.front import front, recommended, unlike
from harness.records import Outcome

values = st.none() | st.sampled_from([0.0, 1.0, 2.0])
arms = st.dictionaries(st.sampled_from("abcdef"), st.tuples(values, values, values), min_size=1)


def arm(name: str, outcome: Outcome | None = "pass") -> Contender:
    return Contender(
        name=name, run_id="r", generator="g", strategy=name, outcome=outcome, points={},
        front=True,
    )  # fmt: skip


def contest(one: str, other: str, metric: str, standing: Standing) -> Contest:
    return Contest(
        metric=metric, arm=one, against=other, value=1.0, low=0.5, high=1.5, pairs=100,
        p=0.001, p_adjusted=0.01, standing=standing,
    )  # fmt: skip


@given(arms)
def test_nobody_dominates_itself_or_is_dominated_both_ways(
    found: dict[str, tuple[float | None, ...]],
) -> None:
    beaten = front(found)
    for name, others in beaten.items():
        assert name not in others
        assert not any(name in beaten[other] for other in others)


@given(arms)
def test_dominance_is_handed_on(found: dict[str, tuple[float | None, ...]]) -> None:
    beaten = front(found)
    for others in beaten.values():
        for other in others:
            assert set(beaten[other]) <= set(others)


@given(arms)
def test_somebody_is_always_on_the_front(
    found: dict[str, tuple[float | None, ...]],
) -> None:
    assert any(not others for others in front(found).values())


def test_an_unknown_value_neither_beats_nor_is_beaten() -> None:
    assert front({"a": (0.0, None), "b": (1.0, 1.0)}) == {"a": (), "b": ()}


def test_equal_arms_are_both_on_the_front() -> None:
    assert front({"a": (1.0, 1.0), "b": (1.0, 1.0)}) == {"a": (), "b": ()}


def test_pairs_that_are_not_comparable_do_not_dominate() -> None:
    values = {"a": (0.0,), "b": (1.0,), "c": (2.0,)}
    apart = unlike([contest("a", "c", "m", "not comparable"), contest("a", "b", "m", "better")])
    assert front(values, apart) == {"a": (), "b": ("a",), "c": ("b",)}


def test_what_cannot_be_compared_recommends_nothing() -> None:
    found = [contest("a", "b", "m", "better"), contest("a", "b", "n", "not comparable")]
    name, because = recommended([arm("a"), arm("b", "fail")], found)
    assert name is None
    assert "cannot be compared" in because


def test_an_arm_shown_better_somewhere_and_worse_nowhere_is_recommended() -> None:
    name, because = recommended(
        [arm("a"), arm("b")],
        [contest("a", "b", "quality", "better"), contest("a", "b", "speed", "not shown")],
    )
    assert name == "a"
    assert "worse on none" in because


def test_a_trade_is_named_and_left_to_the_reader() -> None:
    name, because = recommended(
        [arm("a"), arm("b")],
        [contest("a", "b", "quality", "better"), contest("a", "b", "diversity", "worse")],
    )
    assert name is None
    assert "trade" in because
    assert "better somewhere than 1 of 1" in because
    assert because.endswith("Which counts more is yours to say.")


def test_nothing_shown_is_no_recommendation() -> None:
    name, because = recommended(
        [arm("a"), arm("b")], [contest("a", "b", "quality", "not shown")]
    )
    assert name is None
    assert because.startswith("No difference")


def test_an_arm_that_failed_its_policy_is_neither_rival_nor_choice() -> None:
    better = [contest("a", "b", "quality", "better"), contest("a", "c", "quality", "better")]
    name, _ = recommended([arm("a", "fail"), arm("b"), arm("c")], better)
    assert name is None
    name, because = recommended([arm("a"), arm("b", "fail"), arm("c", "inconclusive")], [])
    assert name == "a"
    assert "only arm" in because
    name, because = recommended([arm("a", "fail"), arm("b", "inconclusive")], better)
    assert name is None
    assert because.startswith("No arm passed")


def test_without_a_policy_every_arm_is_a_rival() -> None:
    name, _ = recommended(
        [arm("a", None), arm("b", None)], [contest("b", "a", "quality", "better")]
    )
    assert name == "b"


@given(st.lists(st.sampled_from(["better", "worse", "not shown"]), min_size=3, max_size=3))
def test_what_is_recommended_was_never_shown_worse(standings: list[Standing]) -> None:
    contests = [contest("a", "b", f"m{i}", s) for i, s in enumerate(standings)]
    name, _ = recommended([arm("a"), arm("b")], contests)
    bad = {"a": "worse", "b": "better"}
    if name is not None:
        assert bad[name] not in standings
