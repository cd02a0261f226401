import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from harness.metrics.stats.betting import BETS, STAKES
from harness.metrics.stats.bounded_mean import agreed_upper, bounded_upper, planned_upper
from harness.metrics.stats.proportion import exact_upper


@pytest.mark.parametrize("n", [1, 5, 299])
def test_at_zero_it_is_the_exact_binomial_bound(n: int) -> None:
    assert bounded_upper(0.0, n, 0.95) == pytest.approx(float(exact_upper(0, n, 0.95)))


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(1, 5000), st.floats(0.6, 0.99))
def test_it_is_never_narrower_than_the_exact_binomial_bound(
    mean: float, n: int, confidence: float
) -> None:
    k = np.floor(mean * n)
    assert bounded_upper(k / n, n, confidence) >= float(exact_upper(k, n, confidence)) - 1e-9


def test_a_mean_at_the_bound_stays_there() -> None:
    assert bounded_upper(1.0, 7, 0.95) == 1.0
    assert bounded_upper(1.0 + 1e-12, 7, 0.95) == 1.0


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(2, 5000), st.floats(0.6, 0.99))
def test_agreement_bounds_tighter_than_a_mean_that_may_have_come_about_anyhow(
    value: float, n: int, confidence: float
) -> None:
    found = agreed_upper(value, n, confidence)
    assert value <= found <= 1.0
    assert found <= bounded_upper(value, n - 1, confidence) + 1e-9


def test_one_value_agrees_with_itself_and_bounds_nothing() -> None:
    assert agreed_upper(0.3, 1, 0.95) == 1.0


def test_agreement_on_any_of_several_values_seldom_gives_a_false_bound() -> None:
    # Four values as likely as one another: of three draws, 1 in 16 agree.
    values, false = np.array([0.0, 0.4, 0.4001, 1.0]), 0.0
    for value in values:
        false += 0.25**3 * (agreed_upper(float(value), 3, 0.9) < values.mean())
    assert false <= 0.1


def test_a_planned_look_at_zeros_takes_as_many_as_the_exact_binomial_bound() -> None:
    assert planned_upper(np.zeros(299), 0.95) == pytest.approx(1 - 0.05 ** (1 / 299))
    assert planned_upper(np.full(5, 1e-17), 0.95) == pytest.approx(1 - 0.05 ** (1 / 5))
    assert planned_upper(np.ones(1), 0.95) == 1.0


def test_a_planned_look_is_where_a_gambler_would_have_won_twentyfold() -> None:
    values = np.random.default_rng(2).beta(2, 5, size=60)

    def left(mean: float) -> float:
        odds = (1 - BETS[:, None] * values) / (1 - BETS[:, None] * mean)
        return float(STAKES @ odds.prod(axis=1)) - 20.0

    expected = optimize.brentq(left, values.mean(), 0.999)
    assert planned_upper(values, 0.95) == pytest.approx(expected)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1) | st.just(0.0), min_size=1, max_size=30),
    st.floats(0.6, 0.99),
    st.data(),
)
def test_a_greater_value_never_lowers_the_bound_of_a_planned_look(
    values: list[float], confidence: float, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    greater = values.copy()
    greater[place] = data.draw(st.floats(values[place], 1))
    found = [planned_upper(np.array(some), confidence) for some in (values, greater)]
    assert np.mean(values) <= found[0] <= found[1] + 1e-12
    assert found[0] >= float(exact_upper(0, len(values), confidence)) - 1e-12
