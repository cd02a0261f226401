"""Say what stopping early costs and saves: false passes and samples, one JSON line each.

Rules are "rate <= limit" at 95 %, outputs independent. What a gate does is
computed exactly, look by look, from the counts at which it decides; these come
from the shipped bounds. `simulated` repeats a number with a fixed seed.

Three fixed plans are compared with. `fixed_plan` is the least n whose exact test
passes a model at half the limit with 90 % power, and `cautious_plan` the same
for a model at three quarters of it: one of them must be chosen before anything
is known. `fixed_oracle` is the least n that decides with 90 % power at the very
rate that is true, which nobody can know. `least_possible` is Wald's bound on the
mean of any test with these errors, told the true rate or not: no gate can use
fewer than `fixed_plan` by more than `most_times_fewer_possible`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from harness.metrics.stats.betting import betting_upper
from harness.metrics.stats.proportion import exact_lower, exact_upper

CONFIDENCE, POWER, SEED, RUNS = 0.95, 0.90, 7, 40_000
ALPHA = 1.0 - CONFIDENCE
LIMITS, MULTIPLES = (0.01, 0.05), (0.25, 0.5, 0.9, 1.1, 2.0, 4.0)
FIRST, GROWTHS, BUDGET = 50, (1.5, 1.1), 20
"""Outputs of the first round, growth of rounds, most outputs as a multiple of the plan."""


@dataclass(frozen=True, slots=True)
class Gate:
    """At each look: passes with `most` events or fewer, fails with `fewest` or more."""

    looks: NDArray[np.int64]
    most: NDArray[np.int64]
    fewest: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Shares of runs, and the mean outputs generated."""

    passed: float
    failed: float
    samples: float


def main() -> None:
    for limit in LIMITS:
        planned = fixed_n(limit, 0.5 * limit)
        false_passes(limit, planned)
        for growth in GROWTHS:
            looks = rounds(growth, BUDGET * planned)
            gate = betting_gate(looks, limit)
            for multiple in MULTIPLES:
                samples(gate, limit, multiple, {"planned": planned, "growth": growth})
    worked_numbers()


def false_passes(limit: float, planned: int) -> None:
    """Print how often each gate passes a model that is exactly at the limit."""
    looks = rounds(GROWTHS[0], BUDGET * planned)
    one = np.array([planned])
    gates = {
        "point": Gate(one, np.floor(one * limit + 1e-9).astype(int), one + 1),
        "fixed_exact": exact_gate(one, limit),
        "exact_bound_looked_at_every_round": exact_gate(looks, limit),
        "betting_every_round": betting_gate(looks, limit),
    }
    for name, gate in gates.items():
        found, seen = outcome(gate, limit), simulated(gate, limit)
        line = {
            "bench": "false_pass", "limit": limit, "gate": name, "looks": len(gate.looks),
            "fixed_plan": planned, "false_pass": round(found.passed, 5),
            "within_five_tries": round(1.0 - (1.0 - found.passed) ** 5, 4),
            "simulated": seen, "error": round(float(np.sqrt(seen * (1 - seen) / RUNS)), 5),
        }  # fmt: skip
        print(json.dumps(line))


def samples(gate: Gate, limit: float, multiple: float, plan: dict[str, float]) -> None:
    """Print how many outputs the sequential gate takes beside the fixed plans."""
    rate = multiple * limit
    found, oracle = outcome(gate, rate), fixed_n(limit, rate)
    cautious = fixed_n(limit, 0.75 * limit)
    right, wrong = found.passed, found.failed
    if multiple > 1.0:
        right, wrong = wrong, right
    least = least_possible(rate, limit)
    line = {
        "bench": "samples", "limit": limit, "rate": f"{multiple} x limit",
        "growth": plan["growth"], "right": round(right, 4), "wrong": round(wrong, 5),
        "undecided": round(max(0.0, 1.0 - right - wrong), 4),
        "mean_samples": round(found.samples),
        "fixed_plan": plan["planned"], "cautious_plan": cautious,
        "fixed_oracle": oracle, "least_possible": round(least),
        "times_fewer_than_plan": round(plan["planned"] / found.samples, 2),
        "times_fewer_than_cautious_plan": round(cautious / found.samples, 2),
        "times_fewer_than_oracle": round(oracle / found.samples, 2),
        "most_times_fewer_possible": round(plan["planned"] / least, 2),
    }  # fmt: skip
    print(json.dumps(line))


def worked_numbers() -> None:
    """Print how often models clear ">= 90 % of 1,000" by point and by bound."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    for rate, tries in ((0.89, 1), (0.89, 5), (0.89, 6), (0.90, 1)):
        seen = rng.binomial(1000, rate, size=(RUNS, tries)).max(axis=1)
        share = float((seen >= 900).mean())
        line = {
            "bench": "worked", "true_rate": rate, "tries": tries,
            "clears_by_point": round(1.0 - float(binom.cdf(899, 1000, rate)) ** tries, 4),
            "clears_by_bound": round(1.0 - float(binom.cdf(915, 1000, rate)) ** tries, 4),
            "simulated_by_point": share,
            "error": round(float(np.sqrt(share * (1 - share) / RUNS)), 5),
        }  # fmt: skip
        print(json.dumps(line))


def rounds(growth: float, most: int) -> NDArray[np.int64]:
    """Give the outputs after each round; the last look is at `most`."""
    looks, size = [FIRST], float(FIRST)
    while looks[-1] < most:
        size *= growth
        looks.append(min(looks[-1] + int(size), most))
    return np.array(looks)


def betting_gate(looks: NDArray[np.int64], limit: float) -> Gate:
    most = [fewest_kept(int(n), limit, strictly=True) - 1 for n in looks]
    fewest = [n - fewest_kept(int(n), 1.0 - limit, strictly=False) + 1 for n in looks]
    return Gate(looks, np.array(most), np.array(fewest))


@cache
def fewest_kept(n: int, rate: float, *, strictly: bool) -> int:
    """Find the fewest of n events with an upper bound at `rate` or more, by bisection.

    The betting bound rises with every event, so those are all the counts at
    which the rate is kept. `n + 1` where there are none.
    """
    low, high = 0, n + 1
    while low < high:
        k = (low + high) // 2
        bound = betting_upper(np.repeat([1.0, 0.0], [k, n - k]), CONFIDENCE)
        is_kept = bound > rate if strictly else bound >= rate
        low, high = (low, k) if is_kept else (k + 1, high)
    return low


def exact_gate(looks: NDArray[np.int64], limit: float) -> Gate:
    most, fewest = [], []
    for n in looks:
        k = np.arange(min(n, int(4 * limit * n) + 60) + 1)
        most.append(int((exact_upper(k, n, CONFIDENCE) <= limit).sum()) - 1)
        fewest.append(int((exact_lower(k, n, CONFIDENCE) <= limit).sum()))
    return Gate(looks, np.array(most), np.array(fewest))


def outcome(gate: Gate, rate: float) -> Outcome:
    """Follow the distribution of events from look to look, exactly."""
    alive = np.ones(1)
    passed = failed = mean = 0.0
    before = 0
    for n, most, fewest in zip(gate.looks, gate.most, gate.fewest, strict=True):
        still = alive.sum()
        mean += float(still) * (n - before)
        new = binom.pmf(np.arange(min(n - before, fewest) + 1), n - before, rate)
        alive = np.convolve(alive, new)[:fewest]
        passing = float(alive[: most + 1].sum())
        alive[: most + 1] = 0.0
        passed += passing
        failed += max(0.0, float(still - passing - alive.sum()))
        before = n
    return Outcome(passed, failed, mean)


def simulated(gate: Gate, rate: float) -> float:
    """Say how often runs with drawn outputs pass before they fail."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    steps = np.diff(gate.looks, prepend=0)
    events = np.cumsum(rng.binomial(steps, rate, size=(RUNS, steps.size)), axis=1)
    passes, fails = events <= gate.most, events >= gate.fewest
    first = (passes | fails).argmax(axis=1)
    return float(passes[np.arange(RUNS), first].mean())


@cache
def fixed_n(limit: float, rate: float) -> int:
    """Find the least n at which the exact test decides with 90 % power."""
    guess = (1.645 * np.sqrt(limit) + 1.282 * np.sqrt(rate)) ** 2 / (rate - limit) ** 2
    n = np.arange(max(1, int(0.4 * guess)), int(1.6 * guess) + 200)
    if rate < limit:
        power = binom.cdf(binom.ppf(ALPHA, n, limit) - 1, n, rate)
    else:
        power = binom.sf(binom.isf(ALPHA, n, limit), n, rate)
    return int(n[np.argmax(power >= POWER)])


def least_possible(rate: float, limit: float) -> float:
    """Bound the mean outputs of any test of level 5 % and power 90 % (Wald 1945)."""
    miss = 1.0 - POWER
    needed = POWER * log(POWER / ALPHA) + miss * log(miss / (1.0 - ALPHA))
    gain = rate * log(rate / limit) + (1.0 - rate) * log((1.0 - rate) / (1.0 - limit))
    return needed / gain


if __name__ == "__main__":
    main()
