"""The embedded models are what their table and their quality say, and can be trained again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness import digests
from harness.assets import cache, catalogue
from harness.assets.digits import augment, clip, features, pictures, tokens
from harness.assets.digits.train import TABLE, table

ROOT = Path(features.__file__).parent
MODELS = ("features", "clip", "diffusion")
MOST_BYTES = 8_000_000


def never(done: int, steps: int) -> None:
    """Nobody watches."""


@pytest.mark.parametrize("name", [*MODELS, "train", "heldout"])
def test_each_is_an_asset_that_is_here_and_whole(name: str) -> None:
    assert cache.verify(f"digits-{name}") == ROOT / name
    assert catalogue.find(f"digits-{name}").size_bytes < MOST_BYTES


def test_the_table_is_made_from_the_files() -> None:
    assert table(ROOT) == json.loads((ROOT / TABLE).read_bytes())


def test_a_changed_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "images.parquet").write_bytes(b"x")
    for name in (*MODELS, "heldout"):
        (tmp_path / name).mkdir()
    found = table(tmp_path)["train"]["files"]
    assert found == {"images.parquet": digests.of_bytes(b"x")}


def test_the_quality_told_is_the_quality_there_is() -> None:
    from transformers import CLIPModel, ResNetForImageClassification

    _, held = pictures.split()
    for module, kind, name in (
        (features, ResNetForImageClassification, "features"), (clip, CLIPModel, "clip")
    ):  # fmt: skip
        net = kind.from_pretrained(ROOT / name).eval()
        told = json.loads((ROOT / name / "quality.json").read_bytes())
        found = module.quality(net, held)
        assert found == pytest.approx({key: told[key] for key in found}, rel=1e-4)
        assert told["seed"] == pictures.SEED


def test_a_short_training_learns_and_the_same_seed_learns_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(features, "STEPS", 60)
    train, held = pictures.split()
    first, second = (features.train(train, 3, never) for _ in range(2))
    found = features.quality(first, held)
    assert found == features.quality(second, held)
    assert found["heldout_accuracy"] > 0.5


def test_known_words_are_one_token_and_others_are_spelt() -> None:
    words = tokens.tokenizer()
    ids = words("a handwritten three")["input_ids"]
    assert len(ids) == 5
    assert words.decode(ids, skip_special_tokens=True) == "a handwritten three"
    assert len(words("xyzzy")["input_ids"]) == 7


def test_nothing_moves_where_nothing_may() -> None:
    import torch

    held = torch.from_numpy(pictures.split()[1].pictures[:4])
    random = torch.Generator().manual_seed(0)
    still = augment.shaken(held, random, 0.0)
    np.testing.assert_allclose(still.numpy(), held.numpy(), atol=1e-3)
    moved = augment.shaken(held, random)
    assert moved.shape == still.shape
    assert not np.allclose(moved.numpy(), still.numpy(), atol=1.0)
