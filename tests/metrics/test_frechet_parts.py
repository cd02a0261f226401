"""Distances of parts equal distances computed apart; the limits find what is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import NonFiniteError, PluginError
from harness.metrics.frechet import frechet_distance, frechet_distance_of_features, moments
from harness.metrics.frechet_parts import (
    factored,
    factored_rows,
    frechet_infinity,
    frechet_to,
    frechet_without_each,
)
from harness.metrics.stats.jackknife import unbiased

WIDTH = 16


def rows(count: int, width: int = WIDTH, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spread = np.linspace(0.2, 1.0, width)
    return rng.standard_normal((count, width)) * spread + shift


@given(
    st.tuples(st.integers(4, 30), st.integers(2, 30), st.integers(1, 12), st.integers(2, 4)),
    st.integers(0, 99),
)
def test_each_rest_is_at_the_distance_it_has_alone(
    shape: tuple[int, int, int, int], seed: int
) -> None:
    n, m, width, groups = shape
    a, b = rows(n, width, seed, 1.0), rows(m, width, seed + 1)
    group = np.arange(n) % groups
    found = frechet_without_each(a, moments(b), group)
    alone = [frechet_distance_of_features(a[group != g], b) for g in range(groups)]
    if None in alone:
        assert found is None
    else:
        assert found == pytest.approx(alone, rel=1e-7, abs=1e-7)


@settings(deadline=None)
@given(
    st.tuples(st.integers(2, 30), st.integers(2, 30), st.integers(1, 12)), st.integers(0, 99)
)
def test_a_set_is_at_the_distance_of_both_sets_of_rows(
    shape: tuple[int, int, int], seed: int
) -> None:
    n, m, width = shape
    a, b = rows(n, width, seed, 1.0), rows(m, width, seed + 1)
    expected = frechet_distance_of_features(a, b)
    found = frechet_to(a, moments(b))
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)
    assert frechet_to(a, factored(moments(b))) == found
    assert frechet_to(a, factored_rows(b)) == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("count", [2, 9, 12, 13, 40])
def test_a_factor_of_rows_is_one_of_their_covariance(count: int) -> None:
    b = rows(count, 12, 3, 5.0)
    found = factored_rows(b)
    assert found.root.shape == (12, min(12, count - 1))
    assert found.root @ found.root.T == pytest.approx(np.cov(b.T), abs=1e-12)
    assert found.trace == pytest.approx(np.trace(np.cov(b.T)))
    assert found.mean == pytest.approx(b.mean(axis=0))
    assert found.n == count


@settings(deadline=None)
@given(st.sampled_from([5, 9, 40]), st.integers(0, 99))
def test_turning_and_moving_both_sets_changes_no_rest(width: int, seed: int) -> None:
    # 20 rows against 5, 9 and 40 columns: more and fewer rows than columns.
    rng = np.random.default_rng(seed)
    a, b = rows(20, width, seed, 1.0), rows(60, width, seed + 1)
    turn = np.linalg.qr(rng.standard_normal((width, width))).Q
    group = np.arange(20) % 4
    found = frechet_without_each(a, moments(b), group)
    assert found is not None
    assert (found > 0.0).all()
    moved = frechet_without_each(a @ turn + 3.0, moments(b @ turn + 3.0), group)
    assert moved == pytest.approx(found, rel=1e-6, abs=1e-6)


def test_a_single_row_is_at_no_distance() -> None:
    assert frechet_to(rows(1), moments(rows(9))) is None
    assert frechet_to(rows(9), moments(rows(1))) is None


def test_a_rest_of_one_row_has_no_distance() -> None:
    assert frechet_without_each(rows(3), moments(rows(9)), np.array([0, 0, 1])) is None
    assert frechet_without_each(rows(9), moments(rows(1)), np.arange(9)) is None


def test_groups_that_do_not_fit_the_rows_are_refused() -> None:
    with pytest.raises(PluginError):
        frechet_without_each(rows(9), moments(rows(9)), np.arange(8))


def test_what_is_not_finite_is_refused() -> None:
    bad = rows(200)
    bad[7, 7] = np.inf
    with pytest.raises(NonFiniteError):
        frechet_without_each(bad, moments(rows(9)), np.arange(200) % 20)
    with pytest.raises(NonFiniteError):
        frechet_infinity(bad, moments(rows(9)), 0)
    with pytest.raises(NonFiniteError):
        factored_rows(bad[:9])


def test_both_limits_find_the_distance_of_the_distributions() -> None:
    truth, reference = WIDTH * 0.2**2, moments(rows(200_000, seed=99))
    plain, limits, corrected = [], [], []
    for seed in range(20):
        a = rows(400, seed=seed, shift=0.2)
        value = frechet_distance(moments(a), reference)
        without = frechet_without_each(a, reference, np.arange(400) % 20)
        limit = frechet_infinity(a, reference, seed)
        assert value is not None
        assert without is not None
        assert limit is not None
        plain.append(value)
        corrected.append(unbiased(value, without))
        limits.append(limit)
    assert np.mean(plain) > truth + 4 * np.std(plain) / np.sqrt(20)
    for found in (limits, corrected):
        assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / np.sqrt(20))
    assert np.std(corrected) < np.std(limits)


def test_the_limit_is_the_same_for_the_same_seed() -> None:
    a, reference = rows(200), moments(rows(300, seed=1))
    assert frechet_infinity(a, reference, 3) == frechet_infinity(a, reference, 3)
    assert frechet_infinity(a, reference, 3) != frechet_infinity(a, reference, 4)


def test_too_few_rows_for_a_line_have_no_limit() -> None:
    reference = moments(rows(300, seed=1))
    assert frechet_infinity(rows(4 * WIDTH - 1), reference, 0) is None
    assert frechet_infinity(rows(4 * WIDTH), reference, 0) is not None
    assert frechet_infinity(rows(4 * WIDTH), moments(rows(1)), 0) is None


def test_an_exact_line_is_read_at_nothing() -> None:
    # A reference without spread leaves |mean|^2 + trace, which is 1 + 2 / n here.
    a = np.tile([[1.0], [-1.0]], (500, 1))
    still = moments(np.zeros((9, 1)))
    assert frechet_infinity(a, still, 0) == pytest.approx(1.0, abs=0.01)
