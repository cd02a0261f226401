"""Say how often each one-sided bound holds, at its worst: one JSON line an interval.

Twenty points each: five shares p by four sizes n. `low` and `high` are the
shares of samples whose lower and upper bound hold, at the worst point and on
average; 0.95 is promised. Points marked exact sum up every outcome; the others
are simulated with fixed seeds, and a minimum of twenty simulated shares lies
about two `error`s below the worst true one.

What p and n are:
clopper_pearson, wilson  rate and trials
clustered                rate and outputs, 4 a prompt, correlation 0.2 within prompts
mean, mean_unbounded     mean in [0, 1] and outputs, 4 a prompt, correlation 0.5; the
                         second is not told the bounds, as for a perplexity
ratio                    events per word (drawn with a rate of each prompt's own), prompts
quantile                 1 - the quantile, and values
jackknife                as ratio, by leaving out groups of prompts
tango                    share of pairs won by us alone (half as many by them), pairs
betting                  rate and outputs at the last look: holds at every look, after each 25
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from harness.metrics.stats.bootstrap import ratio_bounds
from harness.metrics.stats.jackknife import jackknife_bounds
from harness.metrics.stats.mean import ClusterSums, mean_bounds
from harness.metrics.stats.proportion import (
    exact_lower,
    exact_upper,
    wilson_lower,
    wilson_upper,
)
from harness.metrics.stats.quantile import quantile_bounds
from harness.metrics.stats.tango import tango_bounds
from tests.bench import coverage
from tests.bench.sequential_gate import Gate, fewest_kept, outcome

CONFIDENCE, SEED = 0.95, 31
RATES, SIZES = (0.01, 0.05, 0.1, 0.3, 0.5), (50, 100, 300, 1000)
Held = tuple[float, float]
Point = Callable[[float, int, int], Held]


@dataclass(frozen=True, slots=True)
class Interval:
    """How an interval is tried; no runs where the coverage is exact."""

    name: str
    point: Point
    runs: int = 0


def main(scale: float) -> None:
    for interval in INTERVALS:
        begun, runs = time.perf_counter(), int(interval.runs * scale)
        found = {(p, n): interval.point(p, n, runs) for p in RATES for n in SIZES}
        line: dict[str, object] = {"bench": "interval_coverage", "interval": interval.name}
        for side, name in enumerate(("low", "high")):
            at = min(found, key=lambda where: found[where][side])
            worst = found[at][side]
            error = np.sqrt(worst * (1.0 - worst) / runs) if runs else 0.0
            line[name] = {
                "worst": round(worst, 4), "p": at[0], "n": at[1], "error": round(error, 4),
                "mean": round(float(np.mean([held[side] for held in found.values()])), 4),
            }  # fmt: skip
        line["runs_a_point"] = runs or "exact"
        line["seconds"] = round(time.perf_counter() - begun, 1)
        print(json.dumps(line), flush=True)


def clopper_pearson(p: float, n: int, runs: int) -> Held:
    k = np.arange(n + 1)
    low, high = exact_lower(k, n, CONFIDENCE) <= p, exact_upper(k, n, CONFIDENCE) >= p
    return _expected(low, p, n), _expected(high, p, n)


def wilson(p: float, n: int, runs: int) -> Held:
    low = np.array([wilson_lower(k, n, CONFIDENCE) <= p for k in range(n + 1)])
    high = np.array([wilson_upper(k, n, CONFIDENCE) >= p for k in range(n + 1)])
    return _expected(low, p, n), _expected(high, p, n)


def clustered(p: float, n: int, runs: int) -> Held:
    found = coverage.point(n // 4, 4, p, 0.2, runs)
    return found["low"], found["high"]


def mean(p: float, n: int, runs: int) -> Held:
    return _mean(p, n, runs, (0.0, 1.0))


def mean_unbounded(p: float, n: int, runs: int) -> Held:
    return _mean(p, n, runs, (None, None))


def ratio(p: float, n: int, runs: int) -> Held:
    rng, held = _rng(p, n), []
    for seed in range(runs):
        found = ratio_bounds(_words(rng, p, n), CONFIDENCE, seed=seed, draws=999)
        held.append((found is None or found.low <= p, found is None or found.high >= p))
    return _shares(held)


def quantile(p: float, n: int, runs: int) -> Held:
    rng, held = _rng(p, n), []
    for _ in range(runs):
        found = quantile_bounds(rng.random(n), 1.0 - p, n, 0, CONFIDENCE)
        low, high = found.low, found.high
        held.append((low is None or low <= 1.0 - p, high is None or high >= 1.0 - p))
    return _shares(held)


def jackknife(p: float, n: int, runs: int) -> Held:
    rng, held, ranks = _rng(p, n), [], np.arange(n)
    for _ in range(runs):
        sums = _words(rng, p, n)

        def rate(rows: NDArray[np.int64], sums: NDArray[np.float64] = sums) -> float:
            top, bottom = sums[rows].sum(axis=0)
            return float(top / bottom)

        found = jackknife_bounds(rate(ranks), rate, ranks, CONFIDENCE)
        held.append(
            (found.low is None or found.low <= p, found.high is None or found.high >= p)
        )
    return _shares(held)


def tango(p: float, n: int, runs: int) -> Held:
    drawn = _rng(p, n).multinomial(n, [p, 0.5 * p, 1.0 - 1.5 * p], size=runs)
    bounds = cache(lambda ours, theirs: tango_bounds(ours, theirs, n, CONFIDENCE))
    found = np.array([bounds(int(ours), int(theirs)) for ours, theirs, _ in drawn])
    return float((found[:, 0] <= 0.5 * p).mean()), float((found[:, 1] >= 0.5 * p).mean())


def betting(p: float, n: int, runs: int) -> Held:
    looks = np.arange(25, n + 1, 25)
    dropped = []
    for rate in (1.0 - p, p):
        most = [fewest_kept(int(look), rate, strictly=False) - 1 for look in looks]
        dropped.append(outcome(Gate(looks, np.array(most), looks + 1), rate).passed)
    return 1.0 - dropped[0], 1.0 - dropped[1]


def _expected(holds: NDArray[np.bool_], p: float, n: int) -> float:
    return float(binom.pmf(np.flatnonzero(holds), n, p).sum())


def _rng(p: float, n: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([SEED, round(1000 * p), n]))


def _shares(held: list[tuple[bool, bool]]) -> Held:
    low, high = np.mean(held, axis=0)
    return float(low), float(high)


def _words(rng: np.random.Generator, p: float, prompts: int) -> NDArray[np.float64]:
    """Draw words and events of each prompt; the spread of rates is that of a beta."""
    words = rng.integers(20, 61, size=prompts)
    events = rng.binomial(words, rng.beta(10.0 * p, 10.0 * (1.0 - p), size=prompts))
    return np.stack((events, words), axis=1).astype(np.float64)


def _mean(p: float, n: int, runs: int, bounds: tuple[float | None, float | None]) -> Held:
    rng, held, prompts = _rng(p, n), [], n // 4
    sizes, shape = np.full(prompts, 4.0), (5.0 * p, 5.0 * (1.0 - p))
    for _ in range(runs):
        own, noise = rng.beta(*shape, size=prompts), rng.beta(*shape, size=(prompts, 4))
        sums = (0.5 * own[:, None] + 0.5 * noise).sum(axis=1)
        found = mean_bounds(
            ClusterSums(sizes=sizes, lowest=sums, highest=sums), bounds, CONFIDENCE
        )
        held.append(
            (found.low is None or found.low <= p, found.high is None or found.high >= p)
        )
    return _shares(held)


INTERVALS = (
    Interval("clopper_pearson", clopper_pearson),
    Interval("wilson", wilson),
    Interval("clustered", clustered, 1000),
    Interval("mean", mean, 4000),
    Interval("mean_unbounded", mean_unbounded, 4000),
    Interval("ratio", ratio, 400),
    Interval("quantile", quantile, 4000),
    Interval("jackknife", jackknife, 2000),
    Interval("tango", tango, 4000),
    Interval("betting", betting),
)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
