"""Time and peak memory of every metric of features, by size; each in a process of its own.

`python tests/bench/fidelity_scale.py 1000 10000 50000` for other sizes than the first two:
the kernel and neighbour metrics look at all pairs, so 50,000 rows take many minutes. With
"each" a metric is computed without each of 20 groups in turn, for the jackknife.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from math import inf

import numpy as np
from numpy.typing import NDArray

from harness.metrics.frechet import frechet_distance_of_features
from harness.metrics.frechet_parts import (
    factored_rows,
    frechet_infinity,
    frechet_to,
    frechet_without_each,
)
from harness.metrics.inception_score import inception_score
from harness.metrics.kernel_distance import cmmd, cmmd_without_each, kid, kid_without_each
from harness.metrics.manifold import manifold, manifold_without_each
from harness.metrics.mind import mind
from harness.metrics.nearest import (
    near_duplicate_share,
    near_duplicate_share_without_each,
    nearest,
)
from harness.metrics.vendi import vendi

WIDTH, CLASSES = 2048, 1008
SIZES = (1000, 10_000)
Rows = NDArray[np.float32]
METRICS: dict[str, Callable[[Rows, Rows], object]] = {
    "frechet_distance": frechet_distance_of_features,
    "frechet_to": lambda a, b: frechet_to(a, factored_rows(b)),
    "frechet_without_each": lambda a, b: frechet_without_each(a, factored_rows(b), groups(a)),
    "frechet_infinity": lambda a, b: frechet_infinity(a, factored_rows(b), 0),
    "kid": kid,
    "kid_without_each": lambda a, b: kid_without_each(a, b, groups(a)),
    "cmmd": cmmd,
    "cmmd_without_each": lambda a, b: cmmd_without_each(a, b, groups(a)),
    "mind": lambda a, b: mind(a, b, 0),
    "manifold": manifold,
    "manifold_without_each": lambda a, b: manifold_without_each(a, b, groups(a)),
    "nearest": nearest,
    "near_duplicates": lambda a, b: near_duplicate_share(a, 1.0),
    "near_duplicates_without_each": lambda a, b: near_duplicate_share_without_each(
        a, 1.0, groups(a)
    ),
    "vendi_1": lambda a, b: vendi(a),
    "vendi_2": lambda a, b: vendi(a, 2.0),
    "vendi_inf": lambda a, b: vendi(a, inf),
    "inception_score": lambda a, b: inception_score(probabilities(len(a))),
}


def features(count: int, seed: int) -> Rows:
    """Rows that are never below 0, drawn as float32 so that the input is all there is."""
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH), dtype=np.float32)
    return np.maximum(rows, 0.0, out=rows)


def groups(rows: Rows) -> NDArray[np.int64]:
    """Twenty groups of one size."""
    return np.arange(len(rows)) % 20


def probabilities(count: int) -> Rows:
    """Classes of each row."""
    weights = np.random.default_rng(2).standard_exponential((count, CLASSES), dtype=np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def measure(name: str, count: int) -> None:
    """Print one line of JSON; memory is the process's peak, and what its input took."""
    a, b = features(count, 0), features(count, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    METRICS[name](a, b)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "bench": "fidelity_scale",
        "metric": name,
        "rows": count,
        "seconds": seconds,
        "peak_mib": peak,
        "input_mib": before,
    }
    print(json.dumps(found), flush=True)


def main() -> None:
    """Measure every metric at every size."""
    spawn = multiprocessing.get_context("spawn")
    for count in map(int, sys.argv[1:] or SIZES):
        for name in METRICS:
            process = spawn.Process(target=measure, args=(name, count))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
