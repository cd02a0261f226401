"""The numbers that the design argues with, exactly and by simulation."""

import numpy as np
import pytest
from scipy.stats import binom

from harness.metrics.stats.betting import betting_upper
from harness.metrics.stats.proportion import exact_lower
from harness.metrics.stats.sample_size import fewest_successes, prompts_for_zero_events

RUNS = 200_000


def simulated(rate: float, tries: int = 1) -> float:
    """Say how often 1,000 outputs reach 900 passes in one of so many tries."""
    rng = np.random.Generator(np.random.PCG64(1))
    return float((rng.binomial(1000, rate, size=(RUNS, tries)) >= 900).any(axis=1).mean())


def error(share: float) -> float:
    return 4.0 * float(np.sqrt(share * (1.0 - share) / RUNS))


def test_a_model_at_89_percent_clears_a_point_rule_of_90_in_one_of_six_tries() -> None:
    once = float(binom.sf(899, 1000, 0.89))
    assert once == pytest.approx(0.169, abs=5e-4)
    assert simulated(0.89) == pytest.approx(once, abs=error(once))


def test_it_clears_it_within_five_tries_in_60_percent_of_cases() -> None:
    within_five = 1.0 - float(binom.cdf(899, 1000, 0.89)) ** 5
    assert within_five == pytest.approx(0.60, abs=5e-3)
    assert simulated(0.89, tries=5) == pytest.approx(within_five, abs=error(within_five))


def test_a_model_exactly_at_the_limit_clears_a_point_rule_in_52_7_percent_of_cases() -> None:
    once = float(binom.sf(899, 1000, 0.90))
    assert once == pytest.approx(0.527, abs=5e-4)
    assert simulated(0.90) == pytest.approx(once, abs=error(once))


def test_deciding_on_the_bound_lets_neither_through_more_than_promised() -> None:
    needed = fewest_successes(1000, 0.90, 0.95)
    assert needed == 916
    assert float(exact_lower(916, 1000, 0.95)) >= 0.90 > float(exact_lower(915, 1000, 0.95))
    assert float(binom.sf(915, 1000, 0.90)) <= 0.05
    assert 1.0 - float(binom.cdf(915, 1000, 0.89)) ** 5 < 0.025


def test_zero_findings_take_299_for_one_percent_and_2995_for_one_per_mille() -> None:
    assert prompts_for_zero_events(0.01, 0.95) == 299
    assert prompts_for_zero_events(0.001, 0.95) == 2995
    assert 0.99**299 <= 0.05 < 0.99**298
    assert 0.999**2995 <= 0.05 < 0.999**2994


def test_looking_as_often_as_one_likes_takes_374_instead_of_299() -> None:
    assert betting_upper(np.zeros(374), 0.95) <= 0.01 < betting_upper(np.zeros(373), 0.95)
