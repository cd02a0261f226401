"""The estimates equal an average over every subset, which the usual ones do not."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.order_statistics import any_of, expected_max

scores = st.lists(st.floats(0, 1), min_size=1, max_size=9)


@given(scores, st.integers(1, 9))
def test_the_expected_maximum_is_the_mean_over_all_subsets(draws: list[float], k: int) -> None:
    subsets = [max(subset) for subset in combinations(draws, k)]
    value = expected_max(np.array(draws), k)
    assert value == (pytest.approx(np.mean(subsets), abs=1e-12) if subsets else None)


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.integers(1, 9))
def test_the_probability_of_any_is_the_share_of_all_subsets(draws: list[bool], k: int) -> None:
    subsets = [any(subset) for subset in combinations(draws, k)]
    value = any_of(np.array(draws, np.float64), k)
    assert value == (pytest.approx(np.mean(subsets), abs=1e-12) if subsets else None)


def test_a_case_worked_by_hand() -> None:
    # Pairs of 0, 0.2, 0.6, 1: maxima 0.2, 0.6, 1, 0.6, 1, 1.
    assert expected_max(np.array([1.0, 0.2, 0.6, 0.0]), 2) == pytest.approx(4.4 / 6)
    # One hit of four: three of six pairs hold it.
    assert any_of(np.array([0.0, 1.0, 0.0, 0.0]), 2) == pytest.approx(0.5)


@given(scores, st.randoms())
def test_the_order_of_draws_does_not_matter(draws: list[float], random: object) -> None:
    mixed = list(draws)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # Hypothesis types it as object
    k = (len(draws) + 1) // 2
    assert expected_max(np.array(draws), k) == expected_max(np.array(mixed), k)


def test_one_draw_is_the_mean_and_all_draws_are_the_maximum() -> None:
    draws = np.array([0.1, 0.9, 0.4])
    assert expected_max(draws, 1) == pytest.approx(draws.mean())
    assert expected_max(draws, 3) == 0.9
    assert any_of(np.zeros(5), 5) == 0
    assert any_of(np.ones(5), 1) == 1


def test_fewer_draws_than_k_say_nothing() -> None:
    assert expected_max(np.array([0.5]), 2) is None
    assert any_of(np.array([]), 1) is None


def test_many_draws_stay_finite_and_within_the_data() -> None:
    draws = np.random.default_rng(7).random(100_000)
    value = expected_max(draws, 1000)
    assert value is not None
    assert value == pytest.approx(1000 / 1001, abs=2e-4)
    assert expected_max(np.full(30, 0.1), 7) == 0.1


def test_the_estimate_is_unbiased_where_the_usual_one_is_not() -> None:
    rng = np.random.default_rng(3)
    runs = rng.random((4000, 6))
    ours = np.mean([expected_max(run, 3) for run in runs])
    assert ours == pytest.approx(0.75, abs=0.005)  # E max of 3 uniform draws
    assert runs.max(axis=1).mean() > 0.84
