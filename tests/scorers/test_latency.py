"""Times and throughput are counted only where they are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from harness.metrics.estimate import estimate
from harness.protocols import Quantile, Ratio
from harness.records import Case, Failure, Output, Prompt, Sample
from harness.scorers.latency import Latency


def sample(**told: Any) -> Sample:
    asked = Prompt(prompt_id="p", text="")
    case = Case(
        case_id="c", generator="g", strategy="s", params={}, prompt=asked, repeat=0, seed=0
    )
    known: dict[str, Any] = {
        "seconds": 2.0,
        "first_token_seconds": 0.5,
        "tokens": 30,
        "finish": "stop",
        "batch_seconds": 4.0,
        "batch_size": 8,
    }
    output = Output(
        output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok", **(known | told)
    )
    return Sample(case=case, output=output, media="")


def metric(name: str, samples: Sequence[Sample]) -> float | None:
    """The metric as a run computes it."""
    scorer = Latency(Latency.Options())
    readings = [row for row in scorer.score(samples) if not isinstance(row, Failure)]
    for row in readings:
        assert row.keys() == scorer.columns.keys()
    columns = {key: np.array([row[key] for row in readings]) for key in scorer.columns}
    return estimate(
        scorer.metrics[name],
        columns,
        np.arange(len(readings)),
        missing=np.empty(0, dtype=np.int64),
        confidence=0.95,
    ).value


def test_throughput_by_hand() -> None:
    batch = [sample(tokens=10), sample(tokens=30)]
    assert metric("tokens_per_second", batch) == pytest.approx(40 / (2 * 4.0 / 8))
    assert metric("outputs_per_second", batch) == pytest.approx(2 / (2 * 4.0 / 8))


def test_without_token_counts_their_throughput_is_undefined_and_not_zero() -> None:
    untold = [sample(tokens=None), sample(tokens=None)]
    assert metric("tokens_per_second", untold) is None
    assert metric("outputs_per_second", untold) == pytest.approx(2.0)


def test_outputs_without_token_counts_do_not_slow_those_with() -> None:
    assert metric("tokens_per_second", [sample(tokens=30), sample(tokens=None)]) == (
        metric("tokens_per_second", [sample(tokens=30)])
    )


def test_no_tokens_made_is_a_throughput_of_zero() -> None:
    assert metric("tokens_per_second", [sample(tokens=0)]) == 0.0


def test_quantiles_are_of_each_answers_own_time() -> None:
    batch = [sample(seconds=float(i), first_token_seconds=i / 10) for i in range(1, 102)]
    assert metric("seconds_p50", batch) == pytest.approx(51.0)
    assert metric("first_token_p50", batch) == pytest.approx(5.1)


def test_an_untold_first_token_is_no_later_than_the_whole_and_the_caveat_says_so() -> None:
    assert metric("first_token_p50", [sample(first_token_seconds=None)]) == 2.0
    assert "stands in for it" in Latency(Latency.Options()).caveat


def test_an_answer_cut_by_the_limit_is_counted() -> None:
    batch = [sample(finish="length"), sample(), sample(finish="unknown"), sample(finish=None)]
    assert metric("cut_rate", batch) == 0.25


@pytest.mark.parametrize("absent", ["seconds", "batch_seconds", "batch_size"])
def test_an_output_without_times_is_a_failure(absent: str) -> None:
    (told,) = Latency(Latency.Options()).score([sample(**{absent: None})])
    assert told == Failure("the output was stored without times")


def test_units_and_directions_fit_what_is_measured() -> None:
    for name, definition in Latency(Latency.Options()).metrics.items():
        if isinstance(definition.kind, Quantile):
            assert (definition.unit, definition.better) == ("s", "lower")
        elif isinstance(definition.kind, Ratio):
            stem = name.removesuffix("_per_second")
            assert (definition.unit, definition.better) == (f"{stem}/s", "higher")
        else:
            assert (name, definition.unit) == ("cut_rate", "share")
