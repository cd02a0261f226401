"""Fluency under a real reference model: natural text is likelier, loops are flagged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.encoders.likelihood import surprisal
from harness.errors import SpecError
from harness.metrics.estimate import estimate
from harness.protocols import Ratio
from harness.records import Case, Output, Prompt, Reading, Sample
from harness.scorers.fluency import Fluency

NATURAL = "We are sorry that your parcel is late, and we will send you a refund today."
SHUFFLED = "will parcel a sorry We today. late, and are that refund send your is you we"
LOOP = "We are happy to help you. " * 12


@pytest.fixture(scope="module")
def fluency(assets: Callable[[str], Path]) -> Iterator[Fluency]:
    assets("smollm2-135m-instruct")
    with Fluency(Fluency.Options(given_prompt=True, device="cpu")) as scorer:
        yield scorer


def sample(text: str, prompt: str = "Say something.", system: str | None = None) -> Sample:
    asked = Prompt(prompt_id="p", text=prompt, system=system)
    case = Case(
        case_id="c", generator="g", strategy="s", params={}, prompt=asked, repeat=0, seed=0
    )
    output = Output(
        output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok", text=text
    )
    return Sample(case=case, output=output, media=text)


def read(fluency: Fluency, *samples: Sample) -> list[dict[str, Any]]:
    readings: list[Reading] = []
    for item in fluency.score(samples):
        assert isinstance(item, dict)
        readings.append(item)
    return [dict(reading) for reading in readings]


def metric(fluency: Fluency, name: str, readings: list[dict[str, Any]]) -> float | None:
    """The metric as a run computes it."""
    columns = {key: np.array([reading[key] for reading in readings]) for key in readings[0]}
    return estimate(
        fluency.metrics[name],
        columns,
        np.arange(len(readings)),
        missing=np.empty(0, dtype=np.int64),
        confidence=0.95,
    ).value


def test_a_natural_sentence_is_likelier_than_its_words_shuffled(fluency: Fluency) -> None:
    assert sorted(NATURAL.split()) == sorted(SHUFFLED.split())
    natural, shuffled = read(fluency, sample(NATURAL), sample(SHUFFLED))
    low, high = (
        metric(fluency, "perplexity", [natural]),
        metric(fluency, "perplexity", [shuffled]),
    )
    assert low is not None
    assert high is not None
    assert 1 < low < high / 5


def test_perplexity_is_of_all_tokens_together(fluency: Fluency) -> None:
    readings = read(fluency, sample(NATURAL), sample("No."), sample(SHUFFLED))
    nats = sum(reading["nats"] for reading in readings)
    tokens = sum(reading["tokens"] for reading in readings)
    assert metric(fluency, "perplexity", readings) == pytest.approx(math.exp(nats / tokens))


def test_bits_per_byte_by_hand(fluency: Fluency) -> None:
    texts = ["Yes, of course.", "退款需要五天。"]
    readings = read(fluency, *(sample(text) for text in texts))
    nats, _ = surprisal(fluency._open, texts)
    assert [reading["bytes"] for reading in readings] == [15, 21]
    by_hand = (nats.sum() / math.log(2)) / (15 + 21)
    assert metric(fluency, "bits_per_byte", readings) == pytest.approx(by_hand, rel=1e-9)


def test_a_loop_is_flagged_and_likely_and_plain_text_is_not(fluency: Fluency) -> None:
    loop, plain = read(fluency, sample(LOOP), sample(NATURAL))
    assert (loop["loop"], plain["loop"]) == (True, False)
    assert loop["nats"] / loop["tokens"] < plain["nats"] / plain["tokens"]
    assert loop["repeated_4"] / loop["ngrams_4"] > 0.8
    assert plain["repeated_4"] == 0


def test_an_empty_answer_is_a_row_with_nothing_in_it(fluency: Fluency) -> None:
    empty, blank = read(fluency, sample(""), sample(" \n"))
    assert (empty["empty"], blank["empty"]) == (True, True)
    assert (empty["nats"], empty["tokens"], empty["bytes"]) == (0, 0, 0)
    assert metric(fluency, "perplexity", [empty]) is None
    assert metric(fluency, "empty_rate", [empty, blank]) == 1.0


def test_the_answer_to_its_prompt_is_likelier_than_to_another(fluency: Fluency) -> None:
    answer = "The capital of France is Paris."
    right, wrong = read(
        fluency,
        sample(answer, "What is the capital of France?"),
        sample(answer, "How do I boil an egg?"),
    )
    assert right["nats"] == wrong["nats"]
    assert right["given_nats"] < wrong["given_nats"] - 3
    assert right["given_tokens"] == right["tokens"]
    assert metric(fluency, "perplexity_given_prompt", [right]) == pytest.approx(
        math.exp(right["given_nats"] / right["given_tokens"])
    )


def test_the_prompt_is_read_in_the_models_own_chat_form(fluency: Fluency) -> None:
    (reading,) = read(fluency, sample("Paris.", "Capital of France?", "Be brief."))
    context = (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nCapital of France?<|im_end|>\n<|im_start|>assistant\n"
    )
    (nats,), _ = surprisal(fluency._open, ["Paris."], [context])
    assert reading["given_nats"] == pytest.approx(nats, rel=1e-6)


def test_equal_texts_read_equal_in_the_order_given(fluency: Fluency) -> None:
    told = read(fluency, sample(NATURAL), sample("No."), sample(NATURAL))
    assert told[0] == told[2]
    assert told[1]["bytes"] == 3


def test_every_planted_item_reads_as_expected(fluency: Fluency) -> None:
    told = read(fluency, *(sample(control.text) for control in fluency.controls))
    for control, reading in zip(fluency.controls, told, strict=True):
        assert reading[control.column] is control.expected


def test_readings_hold_just_the_declared_columns(fluency: Fluency) -> None:
    (reading,) = read(fluency, sample(NATURAL))
    assert reading.keys() == fluency.columns.keys()
    plain = Fluency(Fluency.Options())
    assert "perplexity_given_prompt" not in plain.metrics
    assert not {"given_nats", "given_tokens"} & plain.columns.keys()


def test_every_ratio_is_of_declared_columns(fluency: Fluency) -> None:
    for definition in fluency.metrics.values():
        if isinstance(definition.kind, Ratio):
            assert {definition.kind.numerator, definition.kind.denominator} <= set(
                fluency.columns
            )


def test_the_caveat_names_the_reference(fluency: Fluency) -> None:
    assert "smollm2-135m-instruct" in fluency.caveat
    assert "finds its own text likely" in fluency.caveat


def test_it_says_what_it_measures_where_its_model_is_not() -> None:
    """A stored run is judged again on machines that have none of its models."""
    scorer = Fluency(Fluency.Options(reference="/nowhere/models/ours"))
    assert "under ours:" in scorer.caveat
    assert {"nats", "tokens"} <= set(scorer.columns)
    assert "perplexity" in scorer.metrics
    with pytest.raises(SpecError, match="no model is called"):
        _ = scorer.weights


def test_a_reference_on_the_hub_needs_a_revision() -> None:
    with pytest.raises(SpecError, match="pinned revision"):
        _ = Fluency(Fluency.Options(reference="owner/model")).weights
