"""Vision backbones through transformers: the same vectors as by hand, and nothing by chance."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.assets.cache import locate
from harness.encoders.clip import Clip
from harness.encoders.vision import Vision
from harness.errors import AssetError, SpecError
from harness.records import Failure, Image
from tests.flow.pictured import digits


def pictures(count: int) -> list[Image]:
    from harness import pictures as codec

    found = [codec.decode(data) for _, data in digits("heldout", 1)[:count]]
    return [one for one in found if isinstance(one, Image)]


def encoded(encoder: Any, media: list[Any]) -> NDArray[np.float32]:
    with encoder as reader:
        return np.stack(reader.encode(media))


def test_features_are_those_of_the_network_by_hand() -> None:
    import torch
    from transformers import ResNetModel

    net = ResNetModel.from_pretrained(locate("digits-features")).eval()
    media = pictures(10)
    pixels = np.stack([one.pixels for one in media]).transpose(0, 3, 1, 2)
    with torch.inference_mode():
        wanted = net(torch.from_numpy(pixels / np.float32(127.5) - 1)).pooler_output.flatten(1)
    found = encoded(Vision(Vision.Options(model="digits-features")), media)
    assert found.shape == (10, 64)
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def test_a_picture_has_one_vector_whatever_it_is_encoded_beside() -> None:
    media = pictures(7)
    whole = encoded(Vision(Vision.Options(model="digits-features")), media)
    alone = encoded(Vision(Vision.Options(model="digits-features")), media[3:4])
    np.testing.assert_allclose(whole[3:4], alone, atol=1e-5)


def test_probabilities_are_of_the_digit_that_is_there() -> None:
    options = Vision.Options(model="digits-features", layer="probabilities")
    found = encoded(Vision(options), pictures(10))
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)
    assert (found.argmax(axis=1) == np.arange(10)).sum() >= 9


def test_a_text_is_no_picture() -> None:
    with Vision(Vision.Options(model="digits-features")) as reader:
        (found,) = reader.encode(["three"])
    assert isinstance(found, Failure)
    assert found.status == "unsupported"


def test_dinov2_gives_its_class_token_after_the_last_norm(tmp_path: Path) -> None:
    import torch
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    shape = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    net = Dinov2Model(shape).eval()
    net.save_pretrained(tmp_path)
    size = {"height": 28, "width": 28}
    BitImageProcessorPil(size={"shortest_edge": 28}, crop_size=size).save_pretrained(tmp_path)
    media = pictures(3)
    encoder = Vision(Vision.Options(model=str(tmp_path)))
    found = encoded(encoder, media)
    processor = BitImageProcessorPil.from_pretrained(tmp_path)
    pixels = processor(images=[one.pixels for one in media], return_tensors="pt")
    with torch.inference_mode():
        wanted = net(**pixels).last_hidden_state[:, 0]
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)
    assert set(encoder.weights) >= {"model.safetensors", "config.json"}


def test_weights_that_are_not_in_the_files_are_not_made_up(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "lacking"
    shutil.copytree(locate("digits-features"), folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop(next(name for name in sorted(weights) if "encoder" in name))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with (
        pytest.raises(AssetError, match="lack 1 of its weights"),
        Vision(Vision.Options(model=str(folder))),
    ):
        pass


def test_a_hub_model_needs_a_pinned_revision() -> None:
    with pytest.raises(SpecError, match="pinned revision"):
        Vision(Vision.Options(model="facebook/dinov2-base"))


def test_clip_puts_a_digit_and_its_caption_together() -> None:
    media = pictures(10)
    texts = [text for text, _ in digits("heldout", 1)]
    found = encoded(Clip(Clip.Options(model="digits-clip")), [*media, *texts])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    cosines = found[:10] @ found[10:].T
    assert (cosines.argmax(axis=1) == np.arange(10)).mean() >= 0.9


def test_clip_agrees_with_the_whole_model() -> None:
    import torch
    from transformers import AutoTokenizer, CLIPModel

    folder = locate("digits-clip")
    net, media = CLIPModel.from_pretrained(folder).eval(), pictures(2)
    tokens = AutoTokenizer.from_pretrained(folder)(["the digit 3"], return_tensors="pt")
    pixels = np.stack([one.pixels for one in media]).transpose(0, 3, 1, 2)
    with torch.inference_mode():
        logits = (
            net(
                **tokens, pixel_values=torch.from_numpy(pixels / np.float32(127.5) - 1)
            ).logits_per_image
            / net.logit_scale.exp()
        )
    found = encoded(Clip(Clip.Options(model="digits-clip")), [*media, "the digit 3"])
    np.testing.assert_allclose(found[:2] @ found[2], logits[:, 0].numpy(), atol=1e-5)


def test_a_text_longer_than_the_window_has_no_vector() -> None:
    with Clip(Clip.Options(model="digits-clip")) as reader:
        (found,) = reader.encode(["the digit three " * 10])
    assert isinstance(found, Failure)
    assert "the model reads 16" in found.reason


def test_siglip_is_read_with_its_window_filled(tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, SiglipConfig, SiglipModel, ViTImageProcessorPil

    small = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }  # fmt: skip
    text = small | {"vocab_size": 700, "max_position_embeddings": 16, "projection_size": 32}
    torch.manual_seed(0)
    net = SiglipModel(
        SiglipConfig(
            text_config=text, vision_config=small | {"image_size": 32, "patch_size": 8}
        )
    ).eval()
    net.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(locate("digits-clip"))
    tokenizer.save_pretrained(tmp_path)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    found = encoded(Clip(Clip.Options(model=str(tmp_path))), ["the digit 3"])
    filled = tokenizer("the digit 3", padding="max_length", max_length=16, return_tensors="pt")
    with torch.inference_mode():
        wanted = net.get_text_features(input_ids=filled["input_ids"]).pooler_output
    wanted = wanted / wanted.norm(dim=-1, keepdim=True)
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-4)


def test_torchvision_is_never_loaded() -> None:
    code = (
        "import sys\nfrom harness.encoders.vision import Vision\n"
        "with Vision(Vision.Options(model='digits-features')):\n    pass\n"
        "sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
