from functools import cache
from math import prod
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from harness.errors import NonFiniteError
from harness.metrics.stats.betting import ALL_IN, BETS, STAKES, betting_lower, betting_upper
from harness.metrics.stats.proportion import exact_upper

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def coins(events: int, n: int) -> np.ndarray:
    return np.repeat([1.0, 0.0], [events, n - events])


def capital(values: list[float], mean: float) -> float:
    """Play the bets one value at a time, as the paper writes them: 1 + lambda (x - m)."""
    bets = [-t / (1.0 - t * mean) for t in BETS]
    won = [prod(1.0 + bet * (x - mean) for x in values) for bet in bets]
    return float(np.dot(STAKES, won))


def test_one_zero_is_worth_what_the_bets_pay_by_hand() -> None:
    bound = betting_upper(np.array([0.0]), 0.5)
    assert float((STAKES / (1.0 - BETS * bound)).sum()) == pytest.approx(2.0)
    assert STAKES.sum() == pytest.approx(1.0)
    assert (BETS[-1], STAKES[-1]) == (1.0, ALL_IN)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(
    "values", [[0.2, 0.9, 0.4], [0.0] * 12 + [1.0], [0.5] * 9, [0.01, 0.3, 0.3, 0.02, 0.0]]
)
def test_bounds_are_where_the_capital_played_out_crosses(
    values: list[float], confidence: float
) -> None:
    highest = brentq(
        lambda m: capital(values, m) - 1.0 / (1.0 - confidence), np.mean(values), 1.0 - 1e-12
    )
    assert betting_upper(np.array(values), confidence) == pytest.approx(highest, abs=1e-9)


@pytest.mark.parametrize("n", [1, 10, 299, 5000])
def test_no_event_costs_little_more_than_the_exact_bound(n: int) -> None:
    bound = betting_upper(np.zeros(n), 0.95)
    assert float(exact_upper(0, n, 0.95)) < bound <= 1.0 - (0.05 * ALL_IN) ** (1.0 / n)


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.5])
def test_the_true_rate_is_ever_dropped_no_more_often_than_promised_exactly(rate: float) -> None:
    horizon, alpha = 300, 0.05
    for bad in (False, True):
        alive = np.zeros(horizon + 1)
        alive[0] = 1.0
        for n in range(1, horizon + 1):
            alive[1:] = rate * alive[:-1] + (1.0 - rate) * alive[1:]
            alive[0] *= 1.0 - rate
            kept = [k for k in range(n + 1) if keeps(k, n, rate, bad)]
            mask = np.zeros(horizon + 1)
            mask[kept] = 1.0
            alive *= mask
        dropped = 1.0 - alive.sum()
        assert 0.2 * alpha < dropped <= alpha


@cache
def threshold(n: int, rate: float, bad: bool) -> int:
    """Find the fewest of n events that a bound at this rate survives, by bisection."""
    value = rate if not bad else 1.0 - rate
    low, high = 0, n
    while low < high:
        k = (low + high) // 2
        low, high = (low, k) if betting_upper(coins(k, n), 0.95) >= value else (k + 1, high)
    return low


def keeps(k: int, n: int, rate: float, bad: bool) -> bool:
    return (n - k if bad else k) >= threshold(n, rate, bad)


def test_shares_looked_at_after_every_ten_are_covered_as_often_as_promised() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    runs, held = 150, np.zeros(2)
    for _ in range(runs):
        values = rng.beta(0.2, 0.8, size=200)
        looks = [values[:n] for n in range(10, 201, 10)]
        held[0] += all(betting_lower(look, 0.9) <= 0.2 for look in looks)
        held[1] += all(betting_upper(look, 0.9) >= 0.2 for look in looks)
    assert (held / runs >= 0.9 - 3 * np.sqrt(0.9 * 0.1 / runs)).all()


@settings(deadline=None)
@given(SHARES, st.integers(0, 29), st.floats(0, 1), st.floats(0.5, 0.999))
def test_raising_a_value_never_lowers_a_bound(
    values: list[float], at: int, to: float, confidence: float
) -> None:
    before, after = np.array(values), np.array(values)
    after[at % len(values)] = max(to, values[at % len(values)])
    assert betting_upper(after, confidence) >= betting_upper(before, confidence) - 1e-12
    assert betting_lower(after, confidence) >= betting_lower(before, confidence) - 1e-12


@settings(deadline=None)
@given(SHARES, st.randoms(use_true_random=False), st.floats(0.5, 0.999))
def test_order_never_matters_and_the_mean_is_inside(
    values: list[float], random: Random, confidence: float
) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    high, low = (
        bound(np.array(values), confidence) for bound in (betting_upper, betting_lower)
    )
    assert betting_upper(np.array(shuffled), confidence) == high
    assert betting_lower(np.array(shuffled), confidence) == low
    assert 0.0 <= low < high <= 1.0
    assert low <= np.mean(values) + 1e-12
    assert high >= np.mean(values) - 1e-12


@pytest.mark.parametrize("constant", [0.0, 1e-12, 0.3, 1.0])
def test_agreement_never_makes_a_point_of_an_interval(constant: float) -> None:
    values = np.full(20, constant)
    assert betting_upper(values, 0.95) - betting_lower(values, 0.95) > 0.15


def test_nothing_seen_bounds_nothing_and_much_seen_closes_in() -> None:
    empty = np.array([], dtype=np.float64)
    assert (betting_lower(empty, 0.95), betting_upper(empty, 0.95)) == (0.0, 1.0)
    assert betting_upper(np.ones(50), 0.95) == 1.0
    assert betting_lower(np.zeros(50), 0.95) == 0.0
    many = coins(10_000, 1_000_000)
    assert betting_upper(many, 0.95) == pytest.approx(0.01, rel=0.05)
    assert betting_lower(many, 0.95) == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_an_error(broken: float) -> None:
    with pytest.raises(NonFiniteError):
        betting_upper(np.array([0.0, broken]), 0.95)
