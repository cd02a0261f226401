"""Inception score: how sure a classifier is of each output, and how varied its answers are."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import NonFiniteError, PluginError, SpecError
from harness.metrics.features import row_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.features import Features

TOLERANCE = 1e-3
"""How far from 1 a row may add up: float32 and some thousands of classes."""


def inception_score(probabilities: Features, splits: int = 1) -> float | None:
    """Score how far a row's classes lie from the set's; None on fewer rows than splits.

    The score is exp(mean over x of KL(p(y|x) || p(y))) = exp(H(p(y)) - mean H(p(y|x))):
    between 1 and the number of classes. The usual ten splits average the score of
    tenths, which is lower, and add nothing but comparability with old tables.

    It never sees a real picture: one sharp picture a class, again and again, has the
    highest score, and so has noise that fools the classifier. It says nothing of
    pictures that are of none of the classes, and rises with n.

    Args:
        probabilities: Of each class for each output, [N, C], each row a distribution.
        splits: Consecutive parts whose scores are averaged; part i has the rows from
            floor(i N / splits).

    Raises:
        NonFiniteError: If a probability is NaN or an infinity.
        PluginError: If a row is no distribution.
        SpecError: If `splits` is below 1.

    Source:
        Salimans et al. (2016), section 4; Barratt and Sharma (2018), A Note on the Inception
        Score, on splits and on what it does not see.

    >>> import numpy as np  # sure of both, and both classes equally often
    >>> inception_score(np.array([[1.0, 0.0], [0.0, 1.0]]))
    2.0
    """
    if splits < 1:
        raise SpecError("there is at least one split", where=f"splits = {splits}")
    _check(probabilities)
    count = len(probabilities)
    if count < splits:
        return None
    edges = [part * count // splits for part in range(splits + 1)]
    scores = [_score(probabilities[start:stop]) for start, stop in pairwise(edges)]
    return float(np.mean(scores))


def are_distributions(probabilities: Features) -> NDArray[np.bool_]:
    """Tell which rows of [N, C] are distributions, within TOLERANCE: bool [N].

    >>> import numpy as np
    >>> are_distributions(np.array([[0.5, 0.5], [1.5, -0.5], [3.0, 2.0]])).tolist()
    [True, False, False]
    """
    sums: NDArray[np.float64] = probabilities.sum(axis=1, dtype=np.float64)
    within = np.abs(sums - 1.0) <= TOLERANCE
    return np.asarray(within & (probabilities >= 0.0).all(axis=1))


def _score(probabilities: Features) -> float:
    from scipy.special import entr

    mean = np.zeros(probabilities.shape[1])
    sureness = 0.0
    for rows in row_blocks(len(probabilities)):
        block = probabilities[rows].astype(np.float64)
        mean += block.sum(axis=0)
        sureness -= float(entr(block).sum())
    count = len(probabilities)
    divergence = float(entr(mean / count).sum()) + sureness / count
    return float(np.exp(max(0.0, divergence)))


def _check(probabilities: Features) -> None:
    if probabilities.ndim != 2 or not probabilities.shape[1]:
        raise PluginError("class probabilities are rows of numbers", fix="give an array [N, C]")
    if not np.isfinite(probabilities).all():
        raise NonFiniteError("a class probability is not finite")
    if not are_distributions(probabilities).all():
        raise PluginError(
            "a row of class probabilities is no distribution",
            fix="give the softmax of the logits: none below 0, adding up to 1",
        )


__all__ = ["are_distributions", "inception_score"]
