import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.stats.bounded_mean import agreed_upper, bounded_upper
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
