import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.stats.proportion import exact_lower, exact_upper
from harness.metrics.stats.sample_size import (
    fewest_successes,
    most_events,
    prompts_by_scaling,
    prompts_for_zero_events,
    prompts_needed,
)


def test_the_worked_numbers_of_the_design_come_out() -> None:
    assert fewest_successes(1000, 0.90, 0.95) == 916
    assert prompts_for_zero_events(0.01, 0.95) == 299
    assert prompts_for_zero_events(0.001, 0.95) == 2995


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0.01, 0.99), st.floats(0.6, 0.99))
def test_the_most_events_pass_and_one_more_does_not(
    n: int, limit: float, confidence: float
) -> None:
    most = most_events(n, limit, confidence)
    if most is None:
        assert float(exact_upper(0, n, confidence)) > limit
    else:
        assert float(exact_upper(most, n, confidence)) <= limit
        assert float(exact_upper(most + 1, n, confidence)) > limit


@settings(deadline=None)
@given(st.floats(0.0, 0.5), st.floats(0.01, 0.9), st.floats(0.6, 0.99))
def test_the_prompts_needed_pass_and_one_fewer_does_not(
    rate: float, limit: float, confidence: float
) -> None:
    n = prompts_needed(rate, limit, "<=", confidence)
    if n is None:
        assert rate > limit - 1e-4
    else:
        assert float(exact_upper(rate * n, n, confidence)) <= limit
        if n > 1:
            assert float(exact_upper(rate * (n - 1), n - 1, confidence)) > limit


def test_at_least_rules_mirror_at_most_rules() -> None:
    n = prompts_needed(0.95, 0.9, ">=", 0.95)
    assert n is not None
    assert float(exact_lower(0.95 * n, n, 0.95)) >= 0.9
    assert prompts_needed(0.89, 0.9, ">=", 0.95) is None
    assert prompts_needed(0.01, 0.01, "<=", 0.95) is None


def test_repeats_never_stand_in_for_prompts() -> None:
    assert prompts_needed(0.0, 0.01, "<=", 0.95, design_effect=1.0, per_prompt=50) == 299
    alone = prompts_needed(0.02, 0.05, "<=", 0.95)
    assert alone is not None
    assert prompts_needed(0.02, 0.05, "<=", 0.95, design_effect=4, per_prompt=4) == alone


def test_half_the_width_takes_four_times_the_prompts() -> None:
    assert prompts_by_scaling(100, 5.0, 7.0, 6.0) == 400
    assert prompts_by_scaling(100, 5.0, 3.0, 4.5) == 1600
    assert prompts_by_scaling(100, 5.0, 7.0, 4.0) is None
    assert prompts_by_scaling(100, 5.0, 7.0, 5.0) is None


@pytest.mark.parametrize("limit", [0.0, -0.5])
def test_an_impossible_limit_needs_no_number(limit: float) -> None:
    assert prompts_needed(0.0, limit, "<=", 0.95) is None
