"""MIND against its closed form, and against the plain definition direction by direction."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import NonFiniteError, PluginError
from harness.metrics.features import TILE
from harness.metrics.mind import mind


def rows(count: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


@pytest.mark.parametrize("mu", [1.0, 3.0])
def test_a_gaussian_moved_by_mu_is_3_d_mu_squared_away(mu: float) -> None:
    # torch-fidelity, tests/torch_pure/misc/test_mind.py: within 10 % at this size.
    found = mind(rows(4000, 64), rows(4000, 64, 1) + mu, seed=0, projections=2000)
    assert found == pytest.approx(3 * 64 * mu**2, rel=0.1)


def test_a_set_moved_by_a_vector_is_three_times_its_squared_length_away() -> None:
    # W2^2 along u is then exactly (u . shift)^2, whose mean over u is |shift|^2 / D.
    x, shift = rows(20, 5), np.array([1.0, -2.0, 0.0, 0.5, 3.0])
    found = mind(x, x + shift, seed=0, projections=20_000)
    assert found == pytest.approx(3 * float(shift @ shift), rel=0.03)


def test_equal_sizes_are_the_papers_sorted_differences() -> None:
    x, y, along = rows(30, 4), rows(30, 4, 1), np.random.default_rng(7)
    directions = along.standard_normal((50, 4))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    squared = [((np.sort(x @ u) - np.sort(y @ u)) ** 2).mean() for u in directions]
    assert mind(x, y, 7, 50) == pytest.approx(3 * 4 * np.mean(squared), rel=1e-12)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_sizes_may_differ_and_every_row_weighs_the_same(n: int, m: int, seed: int) -> None:
    # In one dimension, against the transport of m copies of x onto n copies of y.
    x, y = rows(n, 1, seed), rows(m, 1, seed + 1)
    apart = np.sort(np.repeat(x[:, 0], m)) - np.sort(np.repeat(y[:, 0], n))
    assert mind(x, y, seed, 3) == pytest.approx(3 * float((apart**2).mean()), abs=1e-12)


def test_it_is_above_the_first_wasserstein_distance_squared() -> None:
    x, y = rows(15, 1), rows(40, 1, 1) + 1
    first = scipy.stats.wasserstein_distance(x[:, 0], y[:, 0])
    found = mind(x, y, 0, 1)
    assert found is not None
    assert found / 3 >= first**2


@given(st.integers(0, 999))
def test_order_and_translation_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((9, 3)), rng.standard_normal((7, 3))
    moved = mind(x[::-1] + 5, rng.permutation(y) + 5, 1, 20)
    assert mind(x, y, 1, 20) == pytest.approx(moved, rel=1e-10)
    assert mind(y, x, 1, 20) == pytest.approx(moved, rel=1e-10)


def test_a_set_is_at_no_distance_from_itself_and_a_seed_says_which_directions() -> None:
    x, y = rows(TILE + 2, 3), rows(40, 3, 1)
    assert mind(x, x, 0, 9) == 0
    assert mind(x, y, 1, 9) == mind(x, y, 1, 9) != mind(x, y, 2, 9)


def test_no_rows_have_no_distance() -> None:
    assert mind(np.empty((0, 2)), rows(3, 2), 0) is None


def test_what_is_not_finite_or_of_one_width_is_refused() -> None:
    bad = rows(5, 2)
    bad[3, 1] = np.inf
    with pytest.raises(NonFiniteError):
        mind(bad, rows(5, 2), 0)
    with pytest.raises(PluginError):
        mind(rows(5, 3), rows(5, 2), 0)
