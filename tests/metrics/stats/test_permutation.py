from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from harness.metrics.stats.permutation import swap_p_value

CELLS = st.floats(0, 9).map(lambda x: round(x, 2))
SIDES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=25)

Totals = NDArray[np.float64]


def gap(ours: Totals, theirs: Totals) -> Totals:
    return ours[:, 0] - theirs[:, 0]


def gap_of_ratios(ours: Totals, theirs: Totals) -> Totals:
    return ours[:, 0] / ours[:, 1] - theirs[:, 0] / theirs[:, 1]


def column(values: list[float]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)[:, None]


def test_three_wins_in_three_clusters_are_one_of_four() -> None:
    assert swap_p_value(column([1, 2, 4]), column([0, 0, 0]), gap, seed=0) == 2 / 8
    assert swap_p_value(column([1, 0, 4]), column([0, 2, 0]), gap, seed=0) == 6 / 8


@pytest.mark.parametrize("clusters", [2, 7, 12])
def test_all_swaps_give_scipys_exact_p_value(clusters: int) -> None:
    rng = np.random.default_rng(clusters)
    ours, theirs = rng.normal(0.4, 1, clusters), rng.normal(0, 1, clusters)
    expected = stats.permutation_test(
        (ours, theirs),
        lambda a, b, axis: a.sum(axis=axis) - b.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    ).pvalue
    found = swap_p_value(column(list(ours)), column(list(theirs)), gap, seed=0)
    assert found == pytest.approx(expected)


def test_drawn_swaps_give_scipys_p_value_to_simulation_error() -> None:
    rng = np.random.default_rng(4)
    ours, theirs = rng.gamma(4.0, 1.15, (60, 1)), rng.gamma(4.0, 1.0, (60, 1))
    expected = stats.permutation_test(
        (ours[:, 0], theirs[:, 0]),
        lambda a, b, axis: a.sum(axis=axis) - b.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(5),
    ).pvalue
    found = swap_p_value(ours, theirs, gap, seed=1)
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected * 2 / 10_000))


@settings(max_examples=50, deadline=None)
@given(SIDES, st.randoms(use_true_random=False))
def test_neither_order_nor_names_of_sides_matter(
    sides: list[tuple[float, float]], random: Random
) -> None:
    ours, theirs = np.array(sides)[:, :1], np.array(sides)[:, 1:]
    order = list(range(len(sides)))
    random.shuffle(order)
    found = swap_p_value(ours, theirs, gap, seed=2, draws=499)
    assert 0.0 < found <= 1.0
    assert swap_p_value(ours[order], theirs[order], gap, seed=2, draws=499) == found
    assert swap_p_value(theirs, ours, gap, seed=2, draws=499) == found


@settings(max_examples=30, deadline=None)
@given(SIDES, st.integers(1, 9))
def test_clusters_where_both_sides_agree_change_nothing(
    sides: list[tuple[float, float]], agreeing: int
) -> None:
    ours, theirs = np.array(sides)[:, :1], np.array(sides)[:, 1:]
    same = np.full((agreeing, 1), 5.0)
    found = swap_p_value(ours, theirs, gap, seed=2, draws=499)
    more = np.concatenate((ours, same)), np.concatenate((theirs, same))
    assert swap_p_value(*more, gap, seed=2, draws=499) == found


def test_the_seed_names_the_draws() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((40, 2)) + 0.1, rng.random((40, 2)) + 0.1
    found = {swap_p_value(ours, theirs, gap_of_ratios, seed=s) for s in (1, 1, 2)}
    assert len(found) == 2


def test_nothing_that_differs_rejects_nothing() -> None:
    same = column([1.0, 2.0, 3.0])
    assert swap_p_value(same, same, gap, seed=0) == 1.0
    assert swap_p_value(same[:0], same[:0], gap, seed=0) == 1.0


def test_a_difference_that_is_no_number_rejects_nothing() -> None:
    ours, theirs = np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([[1.0, 1.0], [0.0, 1.0]])
    with np.errstate(divide="ignore", invalid="ignore"):
        assert swap_p_value(ours, theirs, gap_of_ratios, seed=0) == 1.0


def test_a_large_difference_in_many_clusters_gets_the_least_p_value() -> None:
    ours, theirs = np.ones((200, 1)), np.zeros((200, 1))
    assert swap_p_value(ours, theirs, gap, seed=0) == 1 / 10_000


def test_without_a_difference_p_values_are_not_small_too_often() -> None:
    rng = np.random.Generator(np.random.PCG64(9))
    runs, found = 400, []
    for seed in range(runs):
        ours, theirs = rng.gamma(2.0, size=(25, 2)), rng.gamma(2.0, size=(25, 2))
        found.append(swap_p_value(ours, theirs, gap_of_ratios, seed=seed, draws=199))
    share = np.mean(np.array(found) <= 0.1)
    assert abs(share - 0.1) <= 3 * np.sqrt(0.1 * 0.9 / runs)
