"""Copies: found from the output to the training set, at the distance that was set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import SpecError
from harness.flow.bind import bind
from harness.records import Case, Failure, Output, Prompt, Sample
from harness.scorers.memorization import Memorization
from harness.spec.suite import PluginSpec

OPTIONS = {
    "training": "digits-train", "threshold": 1.0,
    "encoder": {"use": "vision", "options": {"model": "digits-features"}},
}  # fmt: skip


def sample(vector: list[float], training: Any) -> Sample:
    prompt = Prompt(prompt_id="p", text="")
    case = Case(
        case_id="c", generator="g", strategy="s", params={}, prompt=prompt, repeat=0, seed=0
    )
    output = Output(output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok")
    return Sample(
        case=case, output=output, media="",
        features={"image": np.array(vector, dtype=np.float32)},
        references={"training": np.array(training, dtype=np.float32)},
    )  # fmt: skip


def test_an_output_nearer_than_the_threshold_is_a_copy() -> None:
    scorer = Memorization(Memorization.Options.model_validate(OPTIONS))
    training = [[0.0, 0.0], [10.0, 0.0]]
    near, far = scorer.score([sample([9.5, 0.0], training), sample([5.0, 0.0], training)])
    assert near == {"copy": True, "distance": 0.5}
    assert far == {"copy": False, "distance": 5.0}


def test_without_training_images_nothing_is_said_to_be_no_copy() -> None:
    scorer = Memorization(Memorization.Options.model_validate(OPTIONS))
    (found,) = scorer.score([sample([1.0, 0.0], np.empty((0, 2)))])
    assert isinstance(found, Failure)


def test_the_training_set_is_named_by_what_is_in_it() -> None:
    scorer = Memorization(Memorization.Options.model_validate(OPTIONS))
    reference = scorer.references["training"]
    assert reference.dataset.name == "images.parquet"
    assert len(reference.digest) == 64


def test_without_a_threshold_it_is_said_what_it_is_and_how_it_is_chosen() -> None:
    options = {key: value for key, value in OPTIONS.items() if key != "threshold"}
    spec = PluginSpec(name="memorization", use="memorization", options=options)
    with pytest.raises(SpecError) as caught:
        bind("scorers", spec, Path())
    assert caught.value.where.startswith(
        "options.threshold: Field required - the Euclidean distance of the encoder's features"
    )
    assert "lower it until their `copy_rate` is about 0" in caught.value.where
