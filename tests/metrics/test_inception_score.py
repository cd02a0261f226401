"""Inception score against torchmetrics, its limits and a case worked by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import NonFiniteError, PluginError, SpecError
from harness.metrics.features import TILE
from harness.metrics.inception_score import inception_score


def softmax(count: int, classes: int, seed: int = 0, scale: float = 2.0) -> np.ndarray:
    logits = scale * np.random.default_rng(seed).standard_normal((count, classes))
    weights = np.exp(logits)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def textbook(probabilities: np.ndarray) -> float:
    """exp(E KL), term by term as torchmetrics' InceptionScore.compute has it."""
    p = torch.from_numpy(probabilities)
    divergences = (p * (p.log() - p.mean(dim=0, keepdim=True).log())).sum(dim=1)
    return float(divergences.mean().exp())


def test_a_case_worked_by_hand() -> None:
    # Mean (3/4, 1/4). KL of (1, 0): log 4/3. KL of (1/2, 1/2): log(2/3)/2 + log(2)/2.
    found = inception_score(np.array([[1.0, 0.0], [0.5, 0.5]]))
    expected = (math.log(4 / 3) + (math.log(2 / 3) + math.log(2)) / 2) / 2
    assert found == pytest.approx(math.exp(expected), rel=1e-14)


@pytest.mark.parametrize(("count", "classes"), [(1, 4), (50, 10), (TILE + 9, 30)])
def test_it_is_the_textbooks(count: int, classes: int) -> None:
    probabilities = softmax(count, classes)
    assert inception_score(probabilities) == pytest.approx(textbook(probabilities), rel=1e-12)


def test_splits_are_consecutive_parts_and_their_scores_are_averaged() -> None:
    probabilities = softmax(103, 6)
    edges = [part * 103 // 10 for part in range(11)]
    parts = [textbook(probabilities[edges[i] : edges[i + 1]]) for i in range(10)]
    assert inception_score(probabilities, 10) == pytest.approx(np.mean(parts), rel=1e-12)


@given(st.integers(1, 20), st.integers(1, 8), st.integers(0, 99))
def test_it_lies_between_one_and_the_classes_in_any_order(
    count: int, classes: int, seed: int
) -> None:
    probabilities = softmax(count, classes, seed, 5.0)
    found = inception_score(probabilities)
    turned = inception_score(np.ascontiguousarray(probabilities[::-1, ::-1]))
    assert found == pytest.approx(turned, rel=1e-12)
    assert found is not None
    assert 1 <= found <= classes * (1 + 1e-12)


def test_sure_and_even_is_the_number_of_classes_and_all_alike_is_one() -> None:
    assert inception_score(np.eye(7)) == pytest.approx(7)
    assert inception_score(np.repeat(softmax(1, 7), 9, axis=0)) == pytest.approx(1, abs=1e-14)


def test_float32_softmax_is_a_distribution() -> None:
    probabilities = softmax(200, 1008)
    single = inception_score(probabilities.astype(np.float32))
    assert single == pytest.approx(textbook(probabilities), rel=1e-5)


def test_fewer_rows_than_splits_have_no_score() -> None:
    assert inception_score(np.empty((0, 3))) is None
    assert inception_score(softmax(9, 3), 10) is None


@pytest.mark.parametrize("row", [[0.5, 0.6], [1.2, -0.2], [0.0, 0.0], [3.0, 2.0]])
def test_what_is_no_distribution_is_refused(row: list[float]) -> None:
    with pytest.raises(PluginError, match="no distribution"):
        inception_score(np.array([[0.5, 0.5], row]))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(NonFiniteError):
        inception_score(np.array([[np.nan, 1.0]]))
    with pytest.raises(PluginError):
        inception_score(np.array([0.5, 0.5]))
    with pytest.raises(SpecError):
        inception_score(softmax(3, 3), 0)
