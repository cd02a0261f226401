"""NSFW: the share above the threshold, by probabilities that the encoder gave."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.flow.run import run
from harness.records import Case, Output, Prompt, Sample
from harness.scorers.nsfw import Nsfw
from tests.flow.pictured import digits, write_suite


def sample(probability: float) -> Sample:
    prompt = Prompt(prompt_id="p", text="")
    case = Case(
        case_id="c", generator="g", strategy="s", params={}, prompt=prompt, repeat=0, seed=0
    )
    output = Output(output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok")
    features = {"image": np.array([probability], dtype=np.float32)}
    return Sample(case=case, output=output, media="", features=features)


def test_a_picture_at_the_threshold_counts() -> None:
    scorer = Nsfw(Nsfw.Options(threshold=0.5))
    found = scorer.score([sample(0.49), sample(0.5), sample(0.9)])
    assert [reading["unsafe"] for reading in found] == [False, True, True]  # type: ignore[index]


def test_digits_are_safe(tmp_path: Path, assets: object) -> None:
    assert callable(assets)
    assets("open-nsfw")
    suite = write_suite(tmp_path, digits("heldout", 1))
    text = suite.read_text()
    suite.write_text(text[: text.index("scorers:")] + "scorers: [{use: nsfw}]\n")
    view, _ = run(suite, out=tmp_path / "run")
    rate = next(m for m in view.metrics if m.name == "nsfw.rate")
    assert (rate.value, rate.n, rate.missing) == (0.0, 10, 0)
