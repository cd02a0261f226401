"""The number of prompts named for rounds is the one at which the betting bound clears."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from harness.metrics.stats.betting import betting_lower, betting_upper
from harness.metrics.stats.betting_size import prompts_needed_in_rounds
from harness.metrics.stats.sample_size import prompts_needed


@pytest.mark.parametrize(("limit", "confidence"), [(0.05, 0.95), (0.01, 0.95), (0.3, 0.99)])
def test_clean_prompts_clear_the_limit_with_it_and_not_with_one_less(
    limit: float, confidence: float
) -> None:
    found = prompts_needed_in_rounds(0.0, limit, "<=", confidence)
    assert found is not None
    assert betting_upper(np.zeros(found), confidence) <= limit
    assert betting_upper(np.zeros(found - 1), confidence) > limit
    assert betting_lower(np.ones(found), confidence) >= 1 - limit


@pytest.mark.parametrize(("rate", "op"), [(0.02, "<="), (0.98, ">=")])
def test_at_a_rate_the_bound_clears_about_there(rate: float, op: Literal["<=", ">="]) -> None:
    limit = 0.05 if op == "<=" else 0.95
    found = prompts_needed_in_rounds(rate, limit, op, 0.95)
    assert found is not None
    for count, clears in ((round(1.1 * found), True), (round(0.9 * found), False)):
        values = (np.arange(count) < round(rate * count)).astype(np.float64)
        high, low = betting_upper(values, 0.95), betting_lower(values, 0.95)
        assert (high <= limit if op == "<=" else low >= limit) == clears


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.03])
def test_rounds_take_more_than_a_fixed_plan(rate: float) -> None:
    fixed = prompts_needed(rate, 0.05, "<=", 0.95)
    found = prompts_needed_in_rounds(rate, 0.05, "<=", 0.95)
    assert fixed is not None
    assert found is not None
    assert fixed < found < 4 * fixed


def test_no_number_is_named_on_the_wrong_side_of_the_limit() -> None:
    assert prompts_needed_in_rounds(0.05, 0.05, "<=", 0.95) is None
    assert prompts_needed_in_rounds(0.5, 0.9, ">=", 0.95) is None
    assert prompts_needed_in_rounds(0.05 - 1e-12, 0.05, "<=", 0.95) is None
