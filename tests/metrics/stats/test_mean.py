from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.metrics.stats.bounded_mean import planned_upper
from harness.metrics.stats.mean import (
    ClusterSums,
    MeanBounds,
    design_effect,
    mean_bounds,
    t_bounds,
)


def whole(sizes: list[float], sums: list[float]) -> ClusterSums:
    added = np.array(sums, dtype=float)
    return ClusterSums(sizes=np.array(sizes, dtype=float), lowest=added, highest=added)


def test_single_outputs_get_the_textbook_t_interval() -> None:
    values = [2.0, 4.0, 4.0, 7.0, 9.0]
    found = mean_bounds(whole([1] * 5, values), (None, None), 0.95)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.90)
    assert found.low == pytest.approx(expected.low)
    assert found.high == pytest.approx(expected.high)


def test_equal_clusters_get_the_t_interval_of_their_means() -> None:
    found = mean_bounds(whole([3] * 4, [3.0, 6.0, 9.0, 15.0]), (None, None), 0.975)
    expected = stats.ttest_1samp([1.0, 2.0, 3.0, 5.0], 0.0).confidence_interval(0.95)
    assert found.low == pytest.approx(expected.low)
    assert found.high == pytest.approx(expected.high)


def test_unequal_clusters_get_cr2_as_matrices_give_it() -> None:
    sizes, rng = [1, 2, 5, 3], np.random.default_rng(0)
    groups = [rng.normal(size=n) for n in sizes]
    values, n = np.concatenate(groups), 11
    owner = np.repeat(np.arange(4), sizes)
    hat = np.full((n, n), 1.0 / n)
    residuals, leave = values - values.mean(), np.eye(n) - hat
    variance, columns = 0.0, []
    for c in range(4):
        rows = owner == c
        roots, vectors = np.linalg.eigh(np.eye(sizes[c]) - hat[np.ix_(rows, rows)])
        adjust = vectors @ np.diag(roots**-0.5) @ vectors.T
        weights = np.ones(sizes[c]) @ adjust / n
        variance += float(weights @ residuals[rows]) ** 2
        columns.append(leave[:, rows] @ weights)
    gram = np.array(columns) @ np.array(columns).T
    freedom = np.trace(gram) ** 2 / np.trace(gram @ gram)
    reach = stats.t.ppf(0.95, freedom) * np.sqrt(variance)
    found = mean_bounds(whole(list(sizes), [g.sum() for g in groups]), (None, None), 0.95)
    assert found.high == pytest.approx(values.mean() + reach)
    assert found.low == pytest.approx(values.mean() - reach)


@pytest.mark.parametrize("bound", [mean_bounds, t_bounds])
@pytest.mark.parametrize("constant", [0.0, 1e-12, 0.3, 1.0])
def test_agreement_never_makes_a_point_of_an_interval(
    bound: Callable[..., MeanBounds], constant: float
) -> None:
    found = bound(whole([1] * 5, [constant] * 5), (0.0, 1.0), 0.95)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low > 0.45
    assert found.low <= constant <= found.high


def test_agreement_without_bounds_bounds_nothing() -> None:
    found = mean_bounds(whole([2] * 9, [4.0] * 9), (None, None), 0.95)
    assert (found.low, found.high, found.flat) == (None, None, True)


def test_one_prompt_gives_only_what_was_declared() -> None:
    assert mean_bounds(whole([4], [9.0]), (0.0, None), 0.95).high is None
    alone = mean_bounds(whole([4], [0.0]), (0.0, 1.0), 0.95)
    assert alone.high == pytest.approx(0.95)


def test_a_missing_value_without_a_bound_bounds_nothing_on_that_side() -> None:
    sums = ClusterSums(
        sizes=np.ones(3), lowest=np.array([1.0, 2, 0]), highest=np.array([1, 2, np.inf])
    )
    assert mean_bounds(sums, (0.0, None), 0.95).high is None


def test_equal_clusters_within_bounds_are_bounded_by_bets_on_their_means() -> None:
    sums = ClusterSums(
        sizes=np.full(3, 2.0), lowest=np.array([4.0, 6, 5]), highest=np.array([4.0, 6, 9])
    )
    found = mean_bounds(sums, (1.0, 5.0), 0.95)
    assert found.high == 1 + 4 * planned_upper(np.array([0.25, 0.5, 0.875]), 0.95)
    assert found.low == 5 - 4 * planned_upper(np.array([0.75, 0.5, 0.625]), 0.95)


def test_unequal_clusters_or_one_bound_are_left_to_t() -> None:
    uneven, even = whole([1, 2, 1], [0.1, 0.9, 0.4]), whole([1] * 3, [0.1, 0.9, 0.4])
    assert mean_bounds(uneven, (0, 1), 0.95) == t_bounds(uneven, (0, 1), 0.95)
    assert mean_bounds(even, (0, None), 0.95) == t_bounds(even, (0, None), 0.95)
    assert mean_bounds(even, (None, 1), 0.95) == t_bounds(even, (None, 1), 0.95)


def test_bounds_that_leave_no_room_are_the_interval() -> None:
    found = mean_bounds(whole([1] * 4, [2.0] * 4), (2.0, 2.0), 0.95)
    assert (found.low, found.high) == (2.0, 2.0)


@pytest.mark.parametrize("bound", [mean_bounds, t_bounds])
@settings(deadline=None)
@given(
    values=st.lists(st.floats(0, 1), min_size=2, max_size=30), confidence=st.floats(0.6, 0.99)
)
def test_bounds_mirror_when_values_do(
    bound: Callable[..., MeanBounds], values: list[float], confidence: float
) -> None:
    ones = [1.0] * len(values)
    found = bound(whole(ones, values), (0, 1), confidence)
    mirrored = bound(whole(ones, [1 - v for v in values]), (0, 1), confidence)
    assert found.low is not None
    assert mirrored.high is not None
    assert found.low == pytest.approx(1 - mirrored.high, abs=1e-6)


def test_repeats_of_one_answer_have_a_design_effect_of_their_number() -> None:
    means = np.array([0.1, 0.4, 0.6, 0.9])
    squares = float(25 * ((means - 0.5) ** 2).sum())
    effect = design_effect(np.full(4, 25.0), 25 * means, squares)
    assert effect == pytest.approx(25 * 4 / 3 * 99 / 100)


def test_both_bounds_hold_as_often_as_promised() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    runs, held = 2000, np.zeros(2)
    for _ in range(runs):
        prompts = rng.normal(0.5, 0.1, size=8)
        sums = (prompts[:, None] + rng.normal(0, 0.1, size=(8, 3))).sum(axis=1)
        found = mean_bounds(whole([3.0] * 8, list(sums)), (None, None), 0.95)
        assert found.low is not None
        assert found.high is not None
        held += [found.low <= 0.5, found.high >= 0.5]
    assert (held / runs >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)).all()


def test_rare_large_values_do_not_make_a_false_bound_likely() -> None:
    rng, runs, size = np.random.Generator(np.random.PCG64(6)), 400, 300
    false = {mean_bounds: 0, t_bounds: 0}
    for _ in range(runs):
        values = np.where(rng.random(size) < 0.02, rng.random(size), 0.0)
        for bound in false:
            high = bound(whole([1.0] * size, list(values)), (0, 1), 0.95).high
            false[bound] += high is not None and high < 0.01
    assert false[mean_bounds] / runs <= 0.05
    assert false[t_bounds] / runs > 0.1
