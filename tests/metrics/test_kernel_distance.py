"""KID against torchmetrics and the textbook; CMMD against its definition and its limit."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.image.kid import poly_mmd

from harness.errors import NonFiniteError, PluginError
from harness.metrics.features import TILE
from harness.metrics.kernel_distance import cmmd, cmmd_without_each, kid, kid_without_each
from harness.metrics.kernel_sums import Discrepancy

Metric = Callable[[np.ndarray, np.ndarray], Discrepancy | None]
Rests = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray | None]
SIZES = st.tuples(st.integers(2, 12), st.integers(2, 12), st.integers(1, 6))


def rows(count: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


def unit(features: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / lengths)


def value_of(found: Discrepancy | None) -> float:
    assert found is not None
    return found.value


def test_a_case_worked_by_hand() -> None:
    # k = (x y + 1)^3. Within x = {1, 2}: 27. Within y = {0, -1}: 1. Across: 1, 0, 1, -1.
    found = kid(np.array([[1.0], [2.0]]), np.array([[0.0], [-1.0]]))
    assert value_of(found) == pytest.approx(27 + 1 - 2 * 0.25, abs=1e-13)


@pytest.mark.parametrize(("count", "width"), [(2, 3), (50, 8), (300, 64), (2100, 4)])
def test_kid_is_torchmetrics_of_all_rows_at_once(count: int, width: int) -> None:
    x, y = rows(count, width), 1.2 * rows(count, width, 1) + 0.3
    peer = float(poly_mmd(torch.from_numpy(x), torch.from_numpy(y)))
    assert value_of(kid(x, y)) == pytest.approx(peer, rel=1e-10, abs=1e-12)


@given(SIZES, st.integers(0, 999))
def test_order_rotation_and_sides_do_not_matter(sizes: tuple[int, int, int], seed: int) -> None:
    n, m, width = sizes
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, width)), rng.standard_normal((m, width)) + 0.5
    turn = np.linalg.qr(rng.standard_normal((width, width))).Q
    for metric in (kid, cmmd):
        found = metric(x, y)
        for moved in (metric((x @ turn)[::-1], rng.permutation(y @ turn)), metric(y, x)):
            assert value_of(moved) == pytest.approx(value_of(found), rel=1e-9, abs=1e-9)
            if found is not None and found.standard_error is not None:
                assert moved is not None
                # A variance near 0 is a difference of larger numbers; its root keeps half
                # of their digits.
                assert moved.standard_error == pytest.approx(
                    found.standard_error, rel=1e-3, abs=1e-5
                )


def test_equal_distributions_are_at_no_distance_on_average() -> None:
    values = [value_of(kid(rows(30, 4, s), rows(30, 4, s + 500))) for s in range(200)]
    assert abs(np.mean(values)) <= 3 * np.std(values) / np.sqrt(200)
    assert min(values) < 0


def test_cmmd_is_its_definition() -> None:
    x, y = unit(rows(40, 8)), unit(rows(50, 8, 1) + 0.5)

    def mean_kernel(a: np.ndarray, b: np.ndarray) -> float:
        squares = ((a[:, None] - b) ** 2).sum(axis=2)
        return float(np.exp(-squares / (2 * 10.0**2)).mean())

    expected = 1000 * (mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y))
    assert value_of(cmmd(x, y)) == pytest.approx(expected, rel=1e-9)


def test_cmmd_of_unit_vectors_is_ten_squared_distances_of_the_means() -> None:
    x, y = unit(rows(400, 32)), unit(rows(400, 32, 1) + 0.5)
    apart = x.mean(axis=0) - y.mean(axis=0)
    assert value_of(cmmd(x, y)) == pytest.approx(10 * float(apart @ apart), rel=0.02)


def test_cmmd_of_a_set_with_itself_is_nothing() -> None:
    x = unit(rows(40, 8))
    assert value_of(cmmd(x, x[::-1])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "quick"), [(kid, kid_without_each), (cmmd, cmmd_without_each)]
)
@settings(deadline=None)
@given(SIZES, st.integers(2, 4), st.integers(0, 999))
def test_without_each_group_the_rest_is_at_the_distance_it_has_alone(
    metric: Metric, quick: Rests, sizes: tuple[int, int, int], groups: int, seed: int
) -> None:
    n, m, width = sizes
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, width)) + 1.0, rng.standard_normal((m, width))
    group = rng.permutation(n) % groups
    rests = [metric(x[group != g], y) for g in range(group.max() + 1)]
    found = quick(x, y, group)
    if None in rests:
        assert found is None
        return
    alone = [value_of(rest) for rest in rests]
    assert found == pytest.approx(alone, rel=1e-9, abs=1e-9)
    order = rng.permutation(n)
    assert quick(x[order], y[::-1], group[order]) == pytest.approx(found, rel=1e-9, abs=1e-9)


def test_rests_over_several_tiles_are_those_of_the_rows_alone() -> None:
    x, y = rows(TILE + 90, 3), rows(TILE + 5, 3, 1) + 0.2
    group = np.arange(len(x)) % 2
    for metric, quick in ((kid, kid_without_each), (cmmd, cmmd_without_each)):
        alone = [value_of(metric(x[group != g], y)) for g in range(2)]
        assert quick(x, y, group) == pytest.approx(alone, rel=1e-9)


@pytest.mark.parametrize("metric", [kid, cmmd])
def test_one_row_has_no_distance_and_three_have_no_error(metric: Metric) -> None:
    assert metric(rows(1, 2), rows(9, 2)) is None
    assert metric(rows(9, 2), rows(1, 2)) is None
    found = metric(rows(3, 2), rows(9, 2, 1))
    assert found is not None
    assert found.standard_error is None


@pytest.mark.parametrize("metric", [kid, cmmd])
def test_what_is_not_finite_or_of_one_width_is_refused(metric: Metric) -> None:
    bad = rows(5, 2)
    bad[3, 1] = np.nan
    with pytest.raises(NonFiniteError):
        metric(bad, rows(5, 2))
    with pytest.raises(PluginError):
        metric(rows(5, 3), rows(5, 2))
