"""Vendi score against vendi-score's README, its definition, and sets of known number."""

from itertools import pairwise
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import NonFiniteError, PluginError, SpecError
from harness.metrics.features import TILE
from harness.metrics.vendi import ORDERS, vendi, vendi_of_similarities


def by_definition(rows: np.ndarray, q: float) -> float:
    """Renyi entropy of the eigenvalues of the whole n x n matrix."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    weights = np.linalg.eigvalsh(unit @ unit.T / len(rows))
    weights = weights[weights > 1e-14]
    if q == inf:
        return float(1 / weights.max())
    if q == 1:
        return float(np.exp(-(weights * np.log(weights)).sum()))
    return float((weights**q).sum() ** (1 / (1 - q)))


def test_the_readme_of_vendi_score_is_reproduced() -> None:
    samples = np.array([0.0, 0.0, 10.0, 10.0, 20.0, 20.0])
    similarities = np.exp(-np.abs(samples[:, None] - samples))
    found = vendi_of_similarities(similarities)
    assert found is not None
    assert str(found)[:6] == "2.9999"  # the README cuts 2.99999999 off
    three = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert vendi_of_similarities(three) == pytest.approx(2.1573, abs=5e-5)


@pytest.mark.parametrize("q", ORDERS)
@pytest.mark.parametrize("count", [1, 7, 40])
def test_alike_is_one_and_orthogonal_is_n_in_every_order(q: float, count: int) -> None:
    rows = np.random.default_rng(0).standard_normal((1, 9))
    assert vendi(np.repeat(rows, count, axis=0), q) == pytest.approx(1, abs=1e-6)
    assert vendi(3 * np.eye(count), q) == pytest.approx(count, rel=1e-12)
    assert vendi(np.repeat(np.eye(4), count, axis=0), q) == pytest.approx(4, rel=1e-12)


def test_two_directions_of_unlike_weight_worked_by_hand() -> None:
    # Eigenvalues 3/4 and 1/4.
    rows = np.array([[1.0, 0.0], [2.0, 0.0], [5.0, 0.0], [0.0, 1.0]])
    assert vendi(rows, 0.5) == pytest.approx((np.sqrt(0.75) + 0.5) ** 2)
    assert vendi(rows, 1.0) == pytest.approx(4 / 3**0.75)
    assert vendi(rows, 2.0) == pytest.approx(1 / (9 / 16 + 1 / 16))
    assert vendi(rows, inf) == pytest.approx(4 / 3)


@pytest.mark.parametrize("q", [*ORDERS, 0.1, 3.0])
@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (9, 9), (TILE + 5, 6)])
def test_either_matrix_gives_the_definition(q: float, shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(1).standard_normal(shape) + 0.5
    assert vendi(rows, q) == pytest.approx(by_definition(rows, q), rel=1e-9)


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from(ORDERS), st.integers(0, 99))
def test_order_rotation_and_length_do_not_matter(
    count: int, width: int, q: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, width)) + 0.1
    turn = np.linalg.qr(rng.standard_normal((width, width))).Q
    moved = (rows @ turn * rng.uniform(0.5, 2.0, (count, 1)))[::-1]
    found = vendi(rows, q)
    assert found == pytest.approx(vendi(moved, q), rel=1e-6)
    assert found is not None
    assert 1 - 1e-9 <= found <= min(count, width) * (1 + 1e-9)


@given(st.integers(2, 12), st.integers(0, 99))
def test_a_higher_order_never_counts_more(count: int, seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((count, 5))
    found = [vendi(rows, q) for q in ORDERS]
    for more, less in pairwise(found):
        assert more is not None
        assert less is not None
        assert less <= more * (1 + 1e-9)


def test_the_matrix_and_the_rows_agree() -> None:
    rows = np.random.default_rng(0).standard_normal((12, 5))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for q in ORDERS:
        assert vendi_of_similarities(unit @ unit.T, q) == pytest.approx(vendi(rows, q))


def test_no_rows_have_no_score() -> None:
    assert vendi(np.empty((0, 3))) is None
    assert vendi_of_similarities(np.empty((0, 0))) is None


@pytest.mark.parametrize("q", [0.0, -1.0, float("nan")])
def test_an_order_of_nothing_is_refused(q: float) -> None:
    with pytest.raises(SpecError):
        vendi(np.eye(3), q)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(NonFiniteError):
        vendi(np.array([[np.nan, 1.0]]))
    with pytest.raises(PluginError, match="length 0"):
        vendi(np.array([[0.0, 0.0], [1.0, 0.0]]))
    with pytest.raises(PluginError, match="square"):
        vendi_of_similarities(np.ones((2, 3)))
    with pytest.raises(PluginError, match="symmetric"):
        vendi_of_similarities(np.array([[1.0, 0.5], [0.4, 1.0]]))
    with pytest.raises(PluginError, match="symmetric"):
        vendi_of_similarities(np.array([[2.0, 0.5], [0.5, 2.0]]))
