"""Simulate how often the one-sided bounds of a difference hold: one JSON line a point.

Both sides answer the same prompts, so they hang together; the seed is fixed.
Truths are known, but for the share of distinct words, which is simulated apart.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from harness.metrics.contrast import Side, contrast
from harness.metrics.order_statistics import any_of
from harness.protocols import (
    Kind,
    Mean,
    MetricDef,
    OfSet,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)

CONFIDENCE, SEED = 0.95, 20
NOTHING = np.array([], dtype=np.int64)
Draw = Callable[[np.random.Generator], tuple[Side, Side]]


@dataclass(frozen=True, slots=True)
class Point:
    """One setting: what is drawn, what the difference truly is, how often it is drawn."""

    name: str
    kind: Kind
    draw: Draw
    truth: float
    share_of_runs: float = 1.0
    scale: float = 1.0
    unit: str = "x"


def main(runs: int) -> None:
    start, worst = time.perf_counter(), (1.0, "", 0.0)
    for place in points():
        line = hold(place, max(1, int(runs * place.share_of_runs)))
        print(json.dumps(line), flush=True)
        worst = min(worst, (min(line["low"], line["high"]), place.name, line["error"]))
    print(json.dumps({
        "bench": "contrast_coverage", "runs": runs, "worst": worst[0], "at": worst[1],
        "error": worst[2], "seconds": round(time.perf_counter() - start, 1),
    }))  # fmt: skip


def hold(place: Point, runs: int) -> dict[str, Any]:
    rng = np.random.Generator(np.random.PCG64(SEED))
    definition = MetricDef(kind=place.kind, unit=place.unit, better="lower")
    low = high = 0
    width = 0.0
    for _ in range(runs):
        ours, theirs = place.draw(rng)
        found = contrast(definition, ours, theirs, scale=place.scale, confidence=CONFIDENCE)
        low += found.low is None or found.low <= place.truth
        high += found.high is None or found.high >= place.truth
        width += np.inf if found.low is None or found.high is None else found.high - found.low
    error = float(np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / runs))
    return {
        "point": place.name, "runs": runs, "low": low / runs, "high": high / runs,
        "mean_width": width / runs, "error": round(error, 4),
    }  # fmt: skip


def points() -> Iterator[Point]:
    bad = Proportion("bad")
    for prompts, repeats, rates, link, scale in (
        (125, 1, (0.02, 0.02), 0.5, 1.0), (125, 1, (0.1, 0.06), 0.5, 1.0),
        (125, 1, (0.02, 0.1), 0.0, 1.0), (1000, 1, (0.5, 0.45), 0.7, 1.0),
        (125, 4, (0.005, 0.0), 0.0, 1.0), (125, 4, (0.02, 0.0), 1.0, 1.0),
        (125, 4, (0.2, 0.25), 0.5, 1.0), (30, 8, (0.5, 0.5), 0.5, 1.0),
        (125, 1, (0.06, 0.05), 0.5, 1.2), (125, 4, (0.02, 0.02), 0.3, 1.5),
        (300, 1, (0.25, 0.3), 0.7, 0.8),
    ):  # fmt: skip
        yield Point(
            f"rate {prompts}x{repeats} {rates} link {link} scale {scale}", bad,
            partial(rates_of, prompts, repeats, rates, link), rates[0] - scale * rates[1],
            scale=scale,
        )  # fmt: skip
    for prompts, repeats, means, scale in (
        (125, 4, (0.05, 0.05), 1.0), (30, 1, (0.6, 0.5), 1.0), (125, 2, (0.3, 0.3), 1.1)
    ):  # fmt: skip
        yield Point(
            f"mean {prompts}x{repeats} {means} scale {scale}", Mean("x", (0.0, 1.0)),
            partial(means_of, prompts, repeats, means), means[0] - scale * means[1],
            scale=scale,
        )  # fmt: skip
    any_in_4 = PerPrompt("bad", partial(any_of, k=4), (0.0, 1.0))
    yield Point("any of 4, 125 prompts", any_in_4,
                partial(rates_of, 125, 4, (0.05, 0.03), 0.0), 0.97**4 - 0.95**4)  # fmt: skip
    yield Point("median 125x1", Quantile("x", 0.5), normals, 0.2)
    for prompts, scale in ((30, 1.0), (125, 1.05)):
        yield Point(
            f"perplexity {prompts} prompts scale {scale}", Ratio("nll", "tokens", "exp"),
            partial(likelihoods_of, prompts), float(np.exp(2.1) - scale * np.exp(2.0)),
            share_of_runs=0.4, scale=scale,
        )  # fmt: skip
    for steeper in (0.0, 0.1):
        draw = partial(words_of, 100, steeper)
        rng = np.random.Generator(np.random.PCG64(SEED + 1))
        apart = [_distinct_apart(*draw(rng)) for _ in range(4000)]
        yield Point(
            f"distinct words 100 prompts, exponent {steeper} more", OfSet(("words",), distinct),
            draw, float(np.mean(apart)), share_of_runs=0.6, unit="share",
        )  # fmt: skip


def rates_of(
    prompts: int,
    repeats: int,
    rates: tuple[float, float],
    link: float,
    rng: np.random.Generator,
) -> tuple[Side, Side]:
    """Let a share `link` of prompts have one luck for all outputs of both sides."""
    clusters = np.repeat(np.arange(prompts), repeats)
    together = (rng.random(prompts) < link)[clusters]
    shared = rng.random(prompts)[clusters]
    sides = [np.where(together, shared, rng.random(clusters.size)) < rate for rate in rates]
    return side({"bad": sides[0]}, clusters), side({"bad": sides[1]}, clusters)


def means_of(
    prompts: int, repeats: int, means: tuple[float, float], rng: np.random.Generator
) -> tuple[Side, Side]:
    """Draw scores with most of their weight near 0 and 1, about a mean that prompts share."""
    clusters, sides = np.repeat(np.arange(prompts), repeats), []
    hardness = rng.uniform(0.4, 1.6, prompts)[clusters]
    for mean in means:
        own = mean * hardness
        sides.append(side({"x": rng.beta(own, 1.0 - own)}, clusters))
    return sides[0], sides[1]


def normals(rng: np.random.Generator) -> tuple[Side, Side]:
    shared = rng.normal(size=125)
    values = [shared + rng.normal(size=125) + shift for shift in (0.2, 0.0)]
    return side({"x": values[0]}, np.arange(125)), side({"x": values[1]}, np.arange(125))


def likelihoods_of(prompts: int, rng: np.random.Generator) -> tuple[Side, Side]:
    shared, sides = rng.gamma(8.0, 1.0 / 8.0, prompts), []
    for mean in (2.1, 2.0):
        tokens = rng.integers(10, 60, prompts)
        own = mean * shared * rng.gamma(16.0, 1.0 / 16.0, prompts)
        sides.append(side({"nll": tokens * own, "tokens": tokens}, np.arange(prompts)))
    return sides[0], sides[1]


def words_of(prompts: int, steeper: float, rng: np.random.Generator) -> tuple[Side, Side]:
    """Draw 30 Zipf words an output, half of them from a topic that the sides share."""
    topics, sides = rng.integers(0, 20, prompts)[:, None] * 200, []
    for exponent in (1.0 + steeper, 1.0):
        weights = np.arange(1.0, 2001.0) ** -exponent
        words = rng.choice(2000, size=(prompts, 30), p=weights / weights.sum())
        words[:, :15] = 2000 + topics + words[:, :15] % 200
        sides.append(side({"words": words}, np.arange(prompts)))
    return sides[0], sides[1]


def distinct(columns: Mapping[str, Any]) -> float:
    words = np.asarray(columns["words"])
    return float(np.unique(words).size / words.size)


def _distinct_apart(ours: Side, theirs: Side) -> float:
    return distinct(ours.columns) - distinct(theirs.columns)


def side(columns: Mapping[str, Any], clusters: np.ndarray) -> Side:
    return Side(columns, clusters, NOTHING)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1500)
