"""Time the cluster bootstrap of a ratio beside SciPy's: one JSON line.

5,000 clusters, 10,000 resamples, one process. SciPy keeps every resample in
memory unless told otherwise, so it is given batches of 200.
"""

from __future__ import annotations

import json
import time

import numpy as np
from scipy import stats

from harness.metrics.stats.bootstrap import ratio_bounds

CLUSTERS, DRAWS, CONFIDENCE = 5_000, 10_000, 0.95


def main() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 60, size=CLUSTERS).astype(float)
    sums = np.stack((lengths * rng.gamma(4.0, 0.5, size=CLUSTERS), lengths), axis=1)

    start = time.perf_counter()
    ours = ratio_bounds(sums, CONFIDENCE, seed=0, draws=DRAWS)
    ours_seconds = time.perf_counter() - start

    start = time.perf_counter()
    theirs = stats.bootstrap(
        (sums[:, 0], sums[:, 1]),
        lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="BCa",
        confidence_level=2 * CONFIDENCE - 1,
        n_resamples=DRAWS,
        batch=200,
        rng=np.random.default_rng(1),
    ).confidence_interval
    theirs_seconds = time.perf_counter() - start
    if ours is None:
        raise SystemExit(1)
    line = {
        "bench": "cluster_bootstrap",
        "clusters": CLUSTERS,
        "draws": DRAWS,
        "harness_seconds": round(ours_seconds, 3),
        "scipy_seconds": round(theirs_seconds, 3),
        "times_faster": round(theirs_seconds / ours_seconds, 2),
        "largest_difference": max(abs(ours.low - theirs.low), abs(ours.high - theirs.high)),
        "interval_width": float(theirs.high - theirs.low),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
