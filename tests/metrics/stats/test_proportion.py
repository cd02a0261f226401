import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from harness.metrics.stats.proportion import (
    exact_lower,
    exact_upper,
    wilson_lower,
    wilson_upper,
)


def test_the_worked_numbers_of_the_design_come_out() -> None:
    assert float(exact_upper(0, 10, 0.975)) == pytest.approx(0.3085, abs=5e-5)
    assert float(exact_lower(30, 100, 0.975)) == pytest.approx(0.2124, abs=5e-5)
    assert float(exact_upper(30, 100, 0.975)) == pytest.approx(0.3998, abs=5e-5)
    assert float(exact_lower(2, 2, 0.975)) == pytest.approx(0.158, abs=5e-4)
    assert float(exact_upper(2, 2, 0.975)) == 1.0
    assert wilson_lower(30, 100, 0.975) == pytest.approx(0.2189, abs=5e-5)
    assert wilson_upper(30, 100, 0.975) == pytest.approx(0.3958, abs=5e-5)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 7), (3, 7), (99, 100), (9, 1_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
def test_bounds_equal_scipys_one_sided_intervals(k: int, n: int, confidence: float) -> None:
    less, greater = binomtest(k, n, alternative="less"), binomtest(k, n, alternative="greater")
    exact = (
        greater.proportion_ci(confidence, "exact").low,
        less.proportion_ci(confidence, "exact").high,
    )
    wilson = (
        greater.proportion_ci(confidence, "wilson").low,
        less.proportion_ci(confidence, "wilson").high,
    )
    assert float(exact_lower(k, n, confidence)) == pytest.approx(exact[0], abs=1e-9)
    assert float(exact_upper(k, n, confidence)) == pytest.approx(exact[1], abs=1e-9)
    assert wilson_lower(k, n, confidence) == pytest.approx(wilson[0], abs=1e-9)
    assert wilson_upper(k, n, confidence) == pytest.approx(wilson[1], abs=1e-9)


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(1, 1e5), st.floats(1, 3), st.floats(0.6, 0.999))
def test_at_one_rate_less_evidence_never_tightens(
    rate: float, trials: float, more: float, confidence: float
) -> None:
    few = float(exact_upper(rate * trials, trials, confidence))
    many = float(exact_upper(rate * trials * more, trials * more, confidence))
    assert rate - 1e-9 <= many <= few + 1e-9
