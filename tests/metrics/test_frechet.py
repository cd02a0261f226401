"""Frechet distance against a matrix square root, complex eigenvalues and closed forms."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import NonFiniteError, PluginError
from harness.metrics.frechet import (
    Moments,
    frechet_distance,
    frechet_distance_of_features,
    moments,
)

SHAPES = st.tuples(st.integers(2, 12), st.integers(2, 12), st.integers(1, 8))


def of_gaussians(count: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The features of torch-fidelity's tests (test_fid_stats_fn.py, `make_stat`)."""
    rng = np.random.RandomState(seed)
    return rng.randn(count, width), rng.randn(count, width)


def with_square_root(a: np.ndarray, b: np.ndarray) -> float:
    """The definition, as TTUR's fid.py and torch-fidelity up to 0.3.0 had it."""
    one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    middle = scipy.linalg.sqrtm(np.atleast_2d(one) @ np.atleast_2d(two))
    apart = a.mean(axis=0) - b.mean(axis=0)
    return float(apart @ apart + np.trace(one + two) - 2 * np.trace(middle).real)


def with_eigenvalues(a: np.ndarray, b: np.ndarray) -> float:
    """The same by complex eigenvalues of the plain product, as torchmetrics has it."""
    one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values = torch.linalg.eigvals(torch.from_numpy(one @ two))
    apart = a.mean(axis=0) - b.mean(axis=0)
    return float(apart @ apart + np.trace(one + two) - 2 * values.sqrt().real.sum().item())


def both(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    of_moments, of_features = (
        frechet_distance(moments(a), moments(b)),
        frechet_distance_of_features(a, b),
    )
    assert of_moments is not None
    assert of_features is not None
    return of_moments, of_features


@pytest.mark.parametrize("width", [2**power for power in range(1, 8)])
@pytest.mark.parametrize("count", [2**power for power in range(1, 12)])
def test_torch_fidelitys_reference_is_met_to_five_places(count: int, width: int) -> None:
    a, b = of_gaussians(count, width, 2023)
    found = both(a, b)
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    if count > width:
        assert found == pytest.approx([with_square_root(a, b)] * 2, abs=5e-6)
    else:
        # A singular product: the square root, and the peer's eigenvalues, are off by
        # the root of rounding in each direction that has no variance.
        assert found == pytest.approx([with_eigenvalues(a, b)] * 2, abs=1e-4)


def test_torch_fidelitys_nan_reproducer_is_a_number() -> None:
    a, b = of_gaussians(4, 4, 1)
    assert np.isnan(_buggy(a, b))
    assert both(a, b) == pytest.approx([4.753837617472] * 2, abs=1e-11)


def _buggy(a: np.ndarray, b: np.ndarray) -> float:
    """What was NaN there: real eigenvalues, some rounded below 0."""
    with np.errstate(invalid="ignore"):
        values = np.linalg.eigvals(np.cov(a, rowvar=False).dot(np.cov(b, rowvar=False)))
        return float(np.sum(np.sqrt(values).real))


def test_commuting_covariances_have_a_closed_form() -> None:
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((5, 5))).Q
    one, two = np.array([0.5, 1.0, 2.0, 3.0, 9.0]), np.array([4.0, 0.0, 2.0, 0.1, 1.0])
    a = Moments(101, np.zeros(5), turn @ np.diag(100 * one) @ turn.T)
    b = Moments(101, np.arange(5.0), turn @ np.diag(100 * two) @ turn.T)
    expected = 30.0 + float(((np.sqrt(one) - np.sqrt(two)) ** 2).sum())
    # The direction without variance is not seen before the last product, whose
    # rounding of 1e-16 there becomes its root.
    assert frechet_distance(a, b) == pytest.approx(expected, abs=1e-6)
    assert frechet_distance(b, a) == pytest.approx(expected, abs=1e-6)


def test_singular_sets_of_known_distance_are_exact() -> None:
    # Rank one each, along directions at an angle whose cosine is 0.6.
    a = np.outer([-1.0, 1.0], [1.0, 0.0, 0.0])
    b = np.outer([-2.0, 2.0], [0.6, 0.8, 0.0])
    expected = 2.0 + 8.0 - 2.0 * np.sqrt(2.0 * 8.0) * 0.6
    assert both(a, b) == pytest.approx([expected] * 2, abs=1e-14)


def test_sets_that_share_no_direction_keep_all_their_variance() -> None:
    rng = np.random.default_rng(0)
    a, b = np.zeros((50, 8)), np.zeros((60, 8))
    a[:, :4], b[:, 4:] = rng.standard_normal((50, 4)), rng.standard_normal((60, 4))
    apart = a.mean(axis=0) - b.mean(axis=0)
    traces = a.var(axis=0, ddof=1).sum() + b.var(axis=0, ddof=1).sum()
    assert both(a, b) == pytest.approx([float(apart @ apart + traces)] * 2, abs=1e-12)


@given(SHAPES, st.integers(0, 999))
def test_a_set_is_at_no_distance_from_itself(shape: tuple[int, int, int], seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((shape[0], shape[2]))
    for found in both(rows, rows[::-1]):
        assert 0 <= found <= 1e-12 * max(1.0, float((rows**2).sum()))


@given(SHAPES, st.integers(0, 999))
def test_order_rotation_and_translation_do_not_matter(
    shape: tuple[int, int, int], seed: int
) -> None:
    n, m, width = shape
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, width)), 2.0 * rng.standard_normal((m, width)) + 1.0
    turn = np.linalg.qr(rng.standard_normal((width, width))).Q
    moved = both((a @ turn + 3.0)[::-1], rng.permutation(b @ turn + 3.0))
    assert both(a, b) == pytest.approx(moved, rel=1e-6, abs=1e-6)
    assert both(b, a) == pytest.approx(both(a, b), rel=1e-6, abs=1e-6)


def test_constant_columns_and_constant_sets_are_nothing_special() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((50, 4)), rng.standard_normal((60, 4))
    a[:, 1] = b[:, 1] = 7.0
    kept = [0, 2, 3]
    assert both(a, b) == pytest.approx(both(a[:, kept], b[:, kept]), abs=1e-12)
    still = np.ones((9, 4))
    expected = float(((b.mean(axis=0) - 1.0) ** 2).sum() + b.var(axis=0, ddof=1).sum())
    assert both(still, b) == pytest.approx([expected] * 2, abs=1e-12)
    assert both(still, still + 1.0) == pytest.approx([4.0, 4.0], abs=1e-12)


def test_one_row_has_no_distance() -> None:
    a, b = np.zeros((1, 2)), np.zeros((5, 2))
    assert frechet_distance(moments(a), moments(b)) is None
    assert frechet_distance(moments(b), moments(a)) is None
    assert frechet_distance_of_features(a, b) is None


def test_what_is_not_finite_is_an_error_and_no_number() -> None:
    good = np.random.default_rng(0).standard_normal((5, 2))
    bad = good.copy()
    bad[0, 0] = np.nan
    with pytest.raises(NonFiniteError):
        frechet_distance_of_features(good, bad)
    with pytest.raises(NonFiniteError):
        moments(bad)
    broken = Moments(5, np.array([np.nan, 0.0]), np.eye(2))
    with pytest.raises(NonFiniteError):
        frechet_distance(moments(good), broken)


def test_different_widths_are_refused() -> None:
    a, b = np.eye(3), np.eye(4)
    with pytest.raises(PluginError):
        frechet_distance_of_features(a, b)
    with pytest.raises(PluginError):
        frechet_distance(moments(a), moments(b))
