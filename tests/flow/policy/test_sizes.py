"""How many prompts a rule on a rate takes: hand-worked values, and the judge's own word."""

from __future__ import annotations

from math import comb
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.flow.policy.sizes import Tally, pairs_for
from harness.spec.requirement import Requirement

Op = Literal["<=", ">="]


def tally(op: Op, value: float, confidence: float = 0.95, **more: object) -> Tally:
    point, least = bool(more.get("point")), int(str(more.get("least", 1)))
    return Tally(Requirement(metric="m.rate", op=op, value=value), confidence, point, least)


def test_ninety_percent_takes_916_of_1000() -> None:
    assert tally(">=", 0.9).bears(1000) == 1000 - 916


@pytest.mark.parametrize(("limit", "prompts"), [(0.01, 299), (0.001, 2995), (0.05, 59)])
def test_a_rate_without_a_finding_takes_so_many_prompts(limit: float, prompts: int) -> None:
    assert tally("<=", limit).prompts(0) == prompts
    assert tally(">=", 1 - limit).prompts(0) == prompts


def test_each_bad_output_costs_prompts() -> None:
    assert [tally("<=", 0.01).prompts(k) for k in (0, 1, 2, 5)] == [299, 473, 628, 1049]


def test_half_a_plan_bears_nothing() -> None:
    assert tally("<=", 0.01).bears(298) is None
    assert tally("<=", 0.01).bears(299) == 0


def test_the_chance_is_the_binomial_sum() -> None:
    # 93 prompts at a limit of 8 % bear 2: C(93,0..2) at 4 %.
    by_hand = sum(comb(93, k) * 0.04**k * 0.96 ** (93 - k) for k in range(3))
    assert tally("<=", 0.08).chance(93, 0.04) == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("power", [0.8, 0.9])
@pytest.mark.parametrize(("op", "value"), [("<=", 0.08), (">=", 0.9), ("<=", 0.5)])
def test_from_the_number_given_on_the_power_is_never_lost(
    op: Op, value: float, power: float
) -> None:
    one = tally(op, value)
    rate = one.allowed / 2
    n = one.prompts_for(rate, power)
    assert n is not None
    assert min(one.chance(more, rate) for more in range(n, n + 300)) >= power
    assert n == 1 or one.chance(n - 1, rate) < power


@pytest.mark.parametrize(("op", "value"), [("<=", 0.0), ("<=", -1.0), (">=", 1.0), (">=", 1.5)])
def test_what_no_sample_proves_is_out_of_reach(op: Op, value: float) -> None:
    assert tally(op, value).prompts(0) is None
    assert tally(op, value).prompts_for(0.0, 0.8) is None
    assert tally(op, value).bears(10_000) is None
    assert tally(op, value).chance(10_000, 0.0) == 0.0


def test_no_number_of_prompts_passes_a_model_at_the_limit() -> None:
    assert tally("<=", 0.05).prompts_for(0.05, 0.8) is None


def test_an_estimate_needs_only_its_least_number() -> None:
    one = tally(">=", 0.9, point=True, least=1000)
    assert one.bears(999) is None
    assert one.bears(1000) == 100
    assert [one.prompts(k) for k in (0, 100, 101)] == [1000, 1000, 1010]


@settings(deadline=None)
@given(
    st.sampled_from(["<=", ">="]), st.floats(0.01, 0.99), st.integers(1, 800),
    st.sampled_from([0.9, 0.95, 0.99]), st.booleans(),
)  # fmt: skip
def test_prompts_and_bears_say_the_same(
    op: Op, value: float, n: int, confidence: float, point: bool
) -> None:
    one = tally(op, value, confidence, point=point)
    bears = one.bears(n)
    if bears is not None:
        assert (one.prompts(bears) or 0) <= n
    fewest = one.prompts(0)
    assert fewest is None or (bears is None) == (n < fewest)


def test_pairs_grow_with_discordance_and_with_a_second_side() -> None:
    # (1.644854 + 0.841621)^2 * 0.1 / 0.05^2 = 247.3
    assert pairs_for(0.05, 0.1, 0.95, 0.8) == 248
    assert pairs_for(0.05, 0.05, 0.95, 0.8) == 124
    # (1.644854 + 1.281552)^2 * 0.1 / 0.05^2 = 342.6
    assert pairs_for(0.05, 0.1, 0.95, 0.8, sides=2) == 343
