"""CLIP score and retrieval, by hand on small vectors."""

from __future__ import annotations

import numpy as np
import pytest

from harness.protocols import OfSet
from harness.records import Case, Failure, Output, Prompt, Sample
from harness.scorers.alignment import Alignment

SCORER = Alignment(
    Alignment.Options.model_validate(
        {"encoder": {"use": "clip", "options": {"model": "digits-clip"}}}
    )
)


@pytest.mark.parametrize(("cosine", "score"), [(0.25, 25.0), (-0.5, 0.0), (1.0, 100.0)])
def test_the_score_is_a_hundred_times_the_cosine_from_zero_up(
    cosine: float, score: float
) -> None:
    prompt = Prompt(prompt_id="p", text="")
    case = Case(
        case_id="c", generator="g", strategy="s", params={}, prompt=prompt, repeat=0, seed=0
    )
    output = Output(output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok")
    vectors = {
        "image": np.array([1.0, 0.0], dtype=np.float32),
        "image:prompt": np.array([cosine, 0.0], dtype=np.float32),
    }
    (found,) = SCORER.score([Sample(case=case, output=output, media="", features=vectors)])
    assert not isinstance(found, Failure)
    assert found["clip_score"] == pytest.approx(score)


def retrieved(pictures: list[list[float]], prompts: list[list[float]]) -> float | None:
    kind = SCORER.metrics["retrieval_accuracy[digits-clip]"].kind
    assert isinstance(kind, OfSet)
    return kind.function({"image": np.array(pictures), "image:prompt": np.array(prompts)})


def test_retrieval_counts_pictures_whose_own_prompt_is_nearest() -> None:
    a, b = [1.0, 0.0], [0.0, 1.0]
    assert retrieved([a, b, a, b], [a, b, b, b]) == 0.75
    assert retrieved([b, a], [a, b]) == 0.0


def test_one_prompt_alone_retrieves_nothing() -> None:
    assert retrieved([[1.0, 0.0]] * 3, [[0.0, 1.0]] * 3) is None
