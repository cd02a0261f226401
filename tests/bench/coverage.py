"""Simulate how often the one-sided bounds of a proportion hold: one JSON line a point.

Clusters are beta-binomial with the stated correlation within prompts; the
seed is fixed. `wald_high` is the textbook bound, for contrast.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from harness.metrics.stats.clustered_proportion import clustered_upper

CONFIDENCE, SEED = 0.95, 20
RATES, CORRELATIONS = (0.01, 0.05, 0.3, 0.5), (0.0, 0.1, 0.4, 1.0)
DESIGNS = ((1000, 1), (100, 1), (20, 4), (100, 4), (250, 4), (10, 16))


def main(runs: int) -> None:
    worst = 1.0
    for prompts, repeats in DESIGNS:
        for rate in RATES:
            for correlation in CORRELATIONS[: 1 if repeats == 1 else None]:
                line = point(prompts, repeats, rate, correlation, runs)
                worst = min(worst, line["low"], line["high"])
                print(json.dumps(line))
    error = np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / runs)
    print(json.dumps({"bench": "coverage", "runs": runs, "worst": worst, "error": error}))


def point(
    prompts: int, repeats: int, rate: float, correlation: float, runs: int
) -> dict[str, float]:
    rng = np.random.Generator(np.random.PCG64(SEED))
    sizes, n = np.full(prompts, float(repeats)), prompts * repeats
    low = high = wald = 0
    for _ in range(runs):
        own = _own_rates(rng, rate, correlation, prompts)
        events = rng.binomial(repeats, own).astype(np.float64)
        high += clustered_upper(sizes, events, CONFIDENCE).upper >= rate
        low += 1.0 - clustered_upper(sizes, sizes - events, CONFIDENCE).upper <= rate
        seen = events.sum() / n
        wald += seen + 1.645 * np.sqrt(seen * (1 - seen) / n) >= rate
    return {
        "prompts": prompts, "repeats": repeats, "rate": rate, "correlation": correlation,
        "low": low / runs, "high": high / runs, "wald_high": wald / runs,
    }  # fmt: skip


def _own_rates(
    rng: np.random.Generator, rate: float, correlation: float, prompts: int
) -> np.ndarray:
    if correlation == 0.0:
        return np.full(prompts, rate)
    if correlation == 1.0:
        return (rng.random(prompts) < rate).astype(np.float64)
    spread = 1.0 / correlation - 1.0
    return rng.beta(rate * spread, (1.0 - rate) * spread, prompts)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
