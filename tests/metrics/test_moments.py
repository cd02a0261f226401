"""Moments against NumPy's, added up and taken apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import NonFiniteError, PluginError
from harness.metrics.features import TILE
from harness.metrics.moments import Moments, combine, moments, remove


def rows(count: int, width: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width)) + 100.0


def assert_same(found: Moments, expected: Moments) -> None:
    assert found.n == expected.n
    assert found.mean == pytest.approx(expected.mean, rel=1e-12)
    assert found.scatter == pytest.approx(expected.scatter, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("count", [2, 7, TILE + 9])
def test_mean_and_covariance_are_numpys(count: int) -> None:
    features = rows(count)
    found = moments(features)
    assert found.n == count
    assert found.mean == pytest.approx(features.mean(axis=0), rel=1e-14)
    assert found.covariance == pytest.approx(np.cov(features.T), rel=1e-10, abs=1e-12)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 99))
def test_parts_combine_to_the_whole_in_any_grouping(sizes: list[int], seed: int) -> None:
    features = rows(sum(sizes), seed=seed)
    parts = [moments(part) for part in np.split(features, np.cumsum(sizes)[:-1])]
    forwards = parts[0]
    for part in parts[1:]:
        forwards = combine(forwards, part)
    backwards = parts[-1]
    for part in parts[-2::-1]:
        backwards = combine(backwards, part)
    if sum(sizes):
        assert_same(forwards, moments(features))
        assert_same(backwards, moments(features))
    assert forwards.n == backwards.n == sum(sizes)


@given(st.integers(0, 9), st.integers(1, 9), st.integers(0, 99))
def test_removing_a_part_leaves_the_rest(gone: int, left: int, seed: int) -> None:
    features = rows(gone + left, seed=seed)
    assert_same(remove(moments(features), moments(features[:gone])), moments(features[gone:]))


def test_removing_everything_leaves_nothing() -> None:
    whole = moments(rows(4))
    assert remove(whole, whole).n == 0
    assert not remove(whole, whole).scatter.any()


def test_removing_more_than_there_is_is_refused() -> None:
    with pytest.raises(PluginError):
        remove(moments(rows(2)), moments(rows(3)))


def test_one_row_has_no_covariance() -> None:
    with pytest.raises(NonFiniteError):
        _ = moments(rows(1)).covariance


def test_float32_rows_are_summed_in_float64() -> None:
    single = np.full((3 * TILE, 1), 1e4, dtype=np.float32)
    single[::2] += 1.0
    assert moments(single).covariance[0, 0] == pytest.approx(
        np.cov(single[:, 0].astype(np.float64)), rel=1e-12
    )
