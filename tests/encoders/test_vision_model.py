"""Backbones of many kinds give what transformers gives, from what is in their files alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.encoders.language_model import find
from harness.encoders.vision import Vision
from harness.encoders.vision_model import load
from harness.errors import AssetError, PluginError
from harness.records import Failure, Image
from tests.encoders import tiny_vision
from tests.encoders.tiny_vision import noise


def encoded(model: str, media: list[Image], **options: Any) -> NDArray[np.float32]:
    with Vision(Vision.Options(model=model, device="cpu", **options)) as opened:
        return np.stack([np.asarray(one) for one in opened.encode(media)])


@pytest.mark.parametrize(
    ("make", "width"),
    [
        (tiny_vision.dinov2, 32),
        (tiny_vision.resnet, 12),
        (tiny_vision.convnext, 20),
        (tiny_vision.vit, 32),
    ],
)
def test_pooled_features_are_what_the_model_pools(
    make: Callable[[Path], str], width: int, tmp_path: Path
) -> None:
    from PIL import Image as Pillow
    from transformers import AutoImageProcessor, AutoModel

    model, media = make(tmp_path), [noise(1), noise(2, 64, 33), noise(1)]
    found = encoded(model, media)
    net = AutoModel.from_pretrained(model).eval()
    processor = AutoImageProcessor.from_pretrained(model, backend="pil")
    pixels = processor([Pillow.fromarray(one.pixels) for one in media], return_tensors="pt")
    with torch.inference_mode():
        wanted = net(**pixels).pooler_output.flatten(1).numpy()
    assert found.shape == (3, width)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    np.testing.assert_allclose(found[0], found[2], atol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 1e-4


def test_a_pixel_is_scaled_once_and_grey_is_three_equal_channels(tmp_path: Path) -> None:
    # ViT's processor takes mean and deviation 0.5: (200 / 255 - 0.5) / 0.5.
    opened = load(find(tiny_vision.vit(tmp_path), None), "AutoModel", "cpu")
    found = opened.pixels([np.full((32, 32, 3), 200, np.uint8)])
    assert found.shape == (1, 3, 32, 32)
    np.testing.assert_allclose(found.numpy(), (200 / 255 - 0.5) / 0.5, atol=1e-6)
    grey = np.full((9, 9), 200, np.uint8)
    flat, deep = encoded(str(tmp_path), [Image(grey), Image(np.full((9, 9, 3), 200, np.uint8))])
    np.testing.assert_allclose(flat, deep, atol=1e-6)


def test_a_picture_three_pixels_high_is_not_taken_for_channels_first(tmp_path: Path) -> None:
    opened = load(find(tiny_vision.vit(tmp_path), None), "AutoModel", "cpu")
    pixels = np.zeros((3, 32, 3), np.uint8)
    pixels[:, :, 0] = 255
    found = opened.pixels([pixels]).numpy()[0]
    np.testing.assert_allclose(found[0], 1, atol=1e-6)
    np.testing.assert_allclose(found[1:], -1, atol=1e-6)


def test_what_is_no_picture_fails_alone(tmp_path: Path) -> None:
    model = tiny_vision.resnet(tmp_path)
    with Vision(Vision.Options(model=model)) as opened:
        text, good, scaled = opened.encode(
            ["three", noise(1), Image(np.zeros((8, 8, 3), np.float32))]
        )
    assert text == Failure("not a picture", "unsupported")
    assert isinstance(scaled, Failure)
    assert "not uint8" in scaled.reason
    assert np.asarray(good).shape == (12,)


def test_a_classifier_gives_probabilities(tmp_path: Path) -> None:
    from transformers import AutoModelForImageClassification

    model = tiny_vision.vit(tmp_path, "ViTForImageClassification", num_labels=5)
    found = encoded(model, [noise(1), noise(2)], layer="probabilities")
    assert found.shape == (2, 5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    net = AutoModelForImageClassification.from_pretrained(model).eval()
    opened = load(find(model, None), "AutoModelForImageClassification", "cpu")
    with torch.inference_mode():
        logits = net(opened.pixels([noise(1).pixels])).logits
    np.testing.assert_allclose(found[0], logits.softmax(-1)[0].numpy(), atol=1e-5)


def test_a_classifier_of_several_classes_at_once_has_no_distribution(tmp_path: Path) -> None:
    model = tiny_vision.vit(
        tmp_path, "ViTForImageClassification", problem_type="multi_label_classification"
    )
    with (
        pytest.raises(AssetError, match="no distribution"),
        Vision(Vision.Options(model=model, layer="probabilities")),
    ):
        pass


def test_a_pooler_that_is_not_in_the_file_is_never_made_up(tmp_path: Path) -> None:
    # A classifier's file has no pooler; transformers would draw one at random.
    model = tiny_vision.vit(tmp_path, "ViTForImageClassification")
    with (
        pytest.raises(AssetError, match="lack 2 of its weights") as caught,
        Vision(Vision.Options(model=model)),
    ):
        pass
    assert "pooler" in caught.value.where
    first = encoded(model, [noise(1)], layer="class_token")
    assert first.shape == (1, 32)
    np.testing.assert_array_equal(first, encoded(model, [noise(1)], layer="class_token"))


def test_a_network_without_class_token_says_so(tmp_path: Path) -> None:
    model = tiny_vision.resnet(tmp_path)
    with (
        Vision(Vision.Options(model=model, layer="class_token")) as opened,
        pytest.raises(PluginError, match="has no `class_token`"),
    ):
        opened.encode([noise(1)])


@pytest.mark.parametrize("absent", ["preprocessor_config.json", "config.json"])
def test_a_folder_that_lacks_a_file_is_an_asset_error(tmp_path: Path, absent: str) -> None:
    model = tiny_vision.resnet(tmp_path)
    (tmp_path / absent).unlink()
    with (
        pytest.raises(AssetError, match="cannot be opened"),
        Vision(Vision.Options(model=model)),
    ):
        pass


def test_broken_safetensors_are_an_asset_error(tmp_path: Path) -> None:
    model = tiny_vision.resnet(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken" * 99)
    with (
        pytest.raises(AssetError, match="cannot be opened"),
        Vision(Vision.Options(model=model)),
    ):
        pass


def test_code_that_comes_with_a_model_is_refused(tmp_path: Path) -> None:
    import json

    model, canary = tiny_vision.resnet(tmp_path), tmp_path / "canary"
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoModel": "evil.Net"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text(f"open({str(canary)!r}, 'w')")
    with pytest.raises(AssetError), Vision(Vision.Options(model=model)):
        pass
    assert not canary.exists()


def test_it_must_be_open_to_read(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        Vision(Vision.Options(model=tiny_vision.resnet(tmp_path))).encode([])


def test_reading_a_picture_never_looks_for_torchvision(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom harness.encoders.vision import Vision\n"
        "from tests.encoders.tiny_vision import noise\n"
        "with Vision(Vision.Options(model=sys.argv[1])) as opened:\n"
        "    (found,) = opened.encode([noise(1)])\n"
        "sys.exit('torchvision' in sys.modules or found.shape != (32,))"
    )
    model = tiny_vision.dinov2(tmp_path)
    assert subprocess.run([sys.executable, "-c", code, model], check=False).returncode == 0
