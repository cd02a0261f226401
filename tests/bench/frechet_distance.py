"""Time the Frechet distance against a matrix square root and plain eigenvalues."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray

from harness.metrics.frechet import (
    Moments,
    frechet_distance,
    frechet_distance_of_features,
    moments,
)
from harness.metrics.frechet_parts import frechet_without_each

T = TypeVar("T")
WIDTH, ROUNDS, GROUPS = 2048, 3, 20
MANY, FEW = 10_000, 500


def features(count: int, seed: int) -> NDArray[np.float32]:
    """Rows like Inception's: none below 0, columns of unlike spread, correlated."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH)
    spread = np.exp(np.random.default_rng(1).standard_normal(WIDTH))
    rows = rng.standard_normal((count, WIDTH)) @ (mixing + np.eye(WIDTH)) * spread
    found: NDArray[np.float32] = np.maximum(rows + 0.3, 0.0).astype(np.float32)
    return found


def fastest(function: Callable[..., T], *args: object) -> tuple[float, T]:
    """Least wall seconds of some calls, and what the last returned."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        value = function(*args)
        taken.append(time.perf_counter() - start)
    return min(taken), value


def _traces(a: Moments, b: Moments) -> float:
    apart = a.mean - b.mean
    return float(apart @ apart + np.trace(a.covariance) + np.trace(b.covariance))


def with_square_root(a: Moments, b: Moments) -> float:
    """The old definition: TTUR, pytorch-fid, clean-fid."""
    middle = scipy.linalg.sqrtm(a.covariance @ b.covariance)
    return _traces(a, b) - 2 * float(np.trace(middle).real)


def with_eigenvalues(a: Moments, b: Moments) -> float:
    """What torchmetrics (`_compute_fid`) and torch-fidelity do, in float64."""
    product = torch.from_numpy(a.covariance) @ torch.from_numpy(b.covariance)
    return _traces(a, b) - 2 * float(torch.linalg.eigvals(product).sqrt().real.sum())


def compare(count: int) -> dict[str, object]:
    """Ours against both peers, which are given the covariances for nothing."""
    a, b = features(count, 2), features(count, 3)
    left, right = moments(a), moments(b)
    if count > WIDTH:
        ours, found = fastest(frechet_distance, left, right)
    else:
        ours, found = fastest(frechet_distance_of_features, a, b)
    eigenvalues, second = fastest(with_eigenvalues, left, right)
    root, first = fastest(with_square_root, left, right)
    return {
        "bench": "frechet_distance",
        "rows": count,
        "width": WIDTH,
        "seconds": ours,
        "sqrtm_seconds": root,
        "eigvals_seconds": eigenvalues,
        "ratio_sqrtm": root / ours,
        "ratio_eigvals": eigenvalues / ours,
        "value": found,
        "largest_difference_sqrtm": abs(float(found or 0) - first),
        "largest_difference_eigvals": abs(float(found or 0) - second),
    }


def jackknife(count: int) -> dict[str, object]:
    """All rests of 20 groups, against each rest on its own."""
    rows, reference = features(count, 2), moments(features(count, 3))
    group = np.arange(count) % GROUPS
    start = time.perf_counter()
    found = frechet_without_each(rows, reference, group)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    alone = frechet_distance(moments(rows[group != 0]), reference)
    each = time.perf_counter() - start
    if found is None or alone is None:
        raise ValueError("too few rows for this benchmark")
    return {
        "bench": "frechet_jackknife",
        "rows": count,
        "groups": GROUPS,
        "seconds": ours,
        "one_by_one_seconds": each * GROUPS,
        "ratio": each * GROUPS / ours,
        "largest_difference": abs(float(found[0]) - alone),
    }


def main() -> None:
    """Print one line of JSON a size."""
    for count in (FEW, MANY):
        print(json.dumps(compare(count)), flush=True)
        print(json.dumps(jackknife(count)), flush=True)


if __name__ == "__main__":
    main()
