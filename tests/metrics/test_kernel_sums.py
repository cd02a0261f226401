"""Kernel sums against whole matrices, and the standard error against what happens."""

from itertools import permutations

import numpy as np
import pytest

from harness.metrics.features import TILE, Tile
from harness.metrics.kernel_sums import KernelSums, kernel_sums


def dot(tile: Tile) -> np.ndarray:
    values: np.ndarray = tile.left @ tile.right.T
    return values


def rows(count: int, seed: int = 0, width: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


def test_sums_over_several_tiles_equal_those_of_whole_matrices() -> None:
    x, y = rows(TILE + 7), rows(2 * TILE + 3, seed=1)
    found = kernel_sums(x, y, dot)
    within_x, within_y, across = x @ x.T, y @ y.T, x @ y.T
    diagonals = np.diag(within_x).copy(), np.diag(within_y).copy()
    np.fill_diagonal(within_x, 0)
    np.fill_diagonal(within_y, 0)
    assert found.within_x == pytest.approx(within_x.sum(axis=1), abs=1e-8)
    assert found.within_y == pytest.approx(within_y.sum(axis=1), abs=1e-8)
    assert found.across_x == pytest.approx(across.sum(axis=1), abs=1e-8)
    assert found.across_y == pytest.approx(across.sum(axis=0), abs=1e-8)
    assert found.diagonal == pytest.approx([part.sum() for part in diagonals])
    squares = [(part**2).sum() for part in (within_x, within_y, across)]
    assert found.squares == pytest.approx(squares)


def exact_variance(x: np.ndarray, y: np.ndarray, n: int, m: int) -> float:
    """Variance of MMD^2 over all draws of n and m rows with replacement from two lists."""
    values = []
    for i in np.ndindex(*[len(x)] * n):
        within = x[list(i)] @ x[list(i)].T
        for j in np.ndindex(*[len(y)] * m):
            of_y = y[list(j)] @ y[list(j)].T
            across = x[list(i)] @ y[list(j)].T
            values.append(
                (within.sum() - np.trace(within)) / (n * (n - 1))
                + (of_y.sum() - np.trace(of_y)) / (m * (m - 1))
                - 2 * across.mean()
            )
    return float(np.var(values))


def test_the_variance_is_estimated_without_bias() -> None:
    # Over every sample of 4 and 5 rows from two points each: exactly the variance.
    x, y = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[2.0, 2.0], [1.0, 3.0]])
    found = [
        sum(kernel_sums(x[list(i)], y[list(j)], dot).variance_parts())
        for i in np.ndindex(2, 2, 2, 2)
        for j in np.ndindex(2, 2, 2, 2, 2)
    ]
    assert np.mean(found) == pytest.approx(exact_variance(x, y, 4, 5), rel=1e-12)


@pytest.mark.parametrize(("scale", "least"), [(1.0, 1.0), (1.5, 0.9)])
def test_the_standard_error_is_the_spread_and_never_much_less(
    scale: float, least: float
) -> None:
    values, errors = [], []
    for seed in range(300):
        found = kernel_sums(rows(40, seed), scale * rows(60, 1000 + seed), dot)
        error = found.standard_error()
        assert error is not None
        assert error > 0  # even where a chance estimate of the variance is not
        values.append(found.unbiased())
        errors.append(error)
    ratio = float(np.sqrt(np.mean(np.square(errors))) / np.std(values))
    assert least <= ratio <= 1.4


def test_unlike_sizes_are_weighed_as_their_pairs_are() -> None:
    x, y = rows(3), rows(4, seed=1)
    of_pairs = np.mean([x[i] @ x[j] for i, j in permutations(range(3), 2)])
    of_pairs += np.mean([y[i] @ y[j] for i, j in permutations(range(4), 2)])
    expected = of_pairs - 2 * np.mean([a @ b for a in x for b in y])
    assert kernel_sums(x, y, dot).unbiased() == pytest.approx(expected)


def test_the_biased_form_of_a_linear_kernel_is_the_distance_of_means() -> None:
    x, y = rows(5), rows(8, seed=1) + 3
    apart = x.mean(axis=0) - y.mean(axis=0)
    assert kernel_sums(x, y, dot).biased() == pytest.approx(float(apart @ apart))
    assert kernel_sums(x, x, dot).biased() == pytest.approx(0, abs=1e-15)


def test_three_rows_have_no_standard_error() -> None:
    found: KernelSums = kernel_sums(rows(3), rows(9), dot)
    assert found.standard_error() is None
    assert kernel_sums(rows(4), rows(4, seed=1), dot).standard_error() is not None
