"""Diversity of pictures: what the set is worth, and how much of it is one picture."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from harness import pictures
from harness.encoders.lpips_model import LpipsOptions
from harness.flow.run import run
from harness.metrics.estimate import estimate
from harness.protocols import OfSet
from harness.records import Image
from harness.scorers.image_diversity import ImageDiversity
from tests.bench.lpips import peer
from tests.encoders.plain_backbones import random_state
from tests.encoders.test_lpips_model import noise, written

SCORER = ImageDiversity(
    ImageDiversity.Options.model_validate(
        {"encoder": {"use": "vision", "options": {"model": "digits-features"}}}
    )
)


def value(name: str, rows: list[list[float]]) -> float | None:
    kind = SCORER.metrics[f"{name}[digits-features]"].kind
    assert isinstance(kind, OfSet)
    return kind.function({"image": np.array(rows)})


def test_pictures_with_nothing_in_common_count_each() -> None:
    assert value("vendi", np.eye(4).tolist()) == pytest.approx(4.0)
    assert value("duplicate_rate", np.eye(4).tolist()) == 0.0


def test_one_picture_again_and_again_is_one() -> None:
    assert value("vendi", [[1.0, 2.0]] * 5) == pytest.approx(1.0)
    assert value("duplicate_rate", [[1.0, 2.0]] * 5) == 1.0


def test_duplicates_are_counted_with_their_originals() -> None:
    assert value("duplicate_rate", [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 0.0]]) == 0.5


SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: within}
generators: [{name: model, use: files, options: {images: made, manifest: made.jsonl}}]
prompts: [{items: [two, three, one]}]
samples_per_prompt: 3
scorers:
  - use: image-diversity
    options:
      encoder: {options: {model: digits-features}}
      lpips: {weights: alex.safetensors, sha256: %s, size: 64}
"""
# Of the prompt `two` the third picture is missing, of `one` all but the first.
MADE = {"two": (1, 2), "three": (3, 4, 5), "one": (6,)}


def made(folder: Path) -> tuple[Path, LpipsOptions]:
    """A suite whose prompts have two, three and one picture of noise."""
    (folder / "made").mkdir(parents=True)
    rows = []
    for prompt, seeds in MADE.items():
        for seed in seeds:
            (folder / "made" / f"{seed}.png").write_bytes(pictures.encode(Image(noise(seed))))
            rows.append({"prompt": prompt, "image": f"{seed}.png"})
    (folder / "made.jsonl").write_text("\n".join(map(json.dumps, rows)))
    options = written(folder, "alex")
    (folder / "suite.yaml").write_text(SUITE % options.sha256)
    return folder / "suite.yaml", options


def test_a_run_has_lpips_of_the_pairs_within_each_prompt_and_none_across(
    tmp_path: Path,
) -> None:
    suite, options = made(tmp_path)
    view, _ = run(suite, None, out=tmp_path / "run")
    found = {one.name: one for one in view.metrics if one.slice == "all"}
    theirs = peer("alex", random_state("alex"), 64)
    expected = [
        np.mean([theirs(noise(a), noise(b)) for a, b in combinations(MADE[prompt], 2)])
        for prompt in ("two", "three")
    ]
    name = f"image-diversity.lpips_within_prompt[{options.label}]"
    assert found[name].value == pytest.approx(np.mean(expected), rel=1e-4)
    assert found[name].better == "higher"
    assert (found[name].n, found[name].missing) == (6, 3)
    # What is missing could be as far apart as anything, but no nearer than 0.
    assert found[name].high is None
    apart = found["image-diversity.within_prompt_distance[digits-features]"]
    assert apart.value is not None
    assert 0.0 < apart.value < 2.0
    assert (apart.low, apart.high) != (None, None)


def test_prompts_with_one_picture_each_have_no_distance(tmp_path: Path) -> None:
    suite, options = made(tmp_path)
    suite.write_text(suite.read_text().replace("prompt: 3", "prompt: 1"))
    view, _ = run(suite, None, out=tmp_path / "run")
    for name in (
        f"lpips_within_prompt[{options.label}]",
        "within_prompt_distance[digits-features]",
    ):
        found = next(one for one in view.metrics if one.name == f"image-diversity.{name}")
        assert found.value is None
        assert found.cause == "insufficient_n"


def test_pictures_nearer_than_the_threshold_are_near_duplicates() -> None:
    scorer = ImageDiversity(
        ImageDiversity.Options.model_validate(
            {"encoder": {"options": {"model": "digits-features"}}, "threshold": 0.5}
        )
    )
    rows = np.array([[0.0], [0.4], [0.8], [9.0], [20.0], [20.0]])
    found = estimate(
        scorer.metrics["near_duplicate_rate[digits-features]"], {"image": rows}, np.arange(6),
        missing=np.array([], dtype=np.int64), confidence=0.95,
    )  # fmt: skip
    assert found.value == pytest.approx(5 / 6)
    assert found.high == 1.0
    assert found.low is not None
    assert found.low < 5 / 6


def test_without_a_threshold_near_duplicates_are_not_looked_for() -> None:
    assert not [name for name in SCORER.metrics if "near" in name]


def test_without_weights_there_is_no_lpips() -> None:
    assert list(SCORER.columns) == ["image"]
    assert not [name for name in SCORER.metrics if "lpips" in name]
