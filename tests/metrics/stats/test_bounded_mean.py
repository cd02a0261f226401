import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.stats.bounded_mean import bounded_upper
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
