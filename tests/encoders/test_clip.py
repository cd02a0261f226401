"""CLIP and SigLIP put pictures and texts in one space, as transformers' whole model does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.encoders.clip import Clip
from harness.errors import AssetError, PluginError
from harness.records import Failure, Image, Media
from tests.encoders import tiny_vision
from tests.encoders.tiny_vision import WINDOW, noise


@pytest.fixture(scope="module", params=["CLIP", "Siglip"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    kind: str = request.param
    return tiny_vision.towers(tmp_path_factory.mktemp(kind), kind)


def test_cosines_are_those_of_the_whole_model(model: str) -> None:
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    texts, media = ["a cat", "two"], [noise(1), noise(2), noise(3)]
    with Clip(Clip.Options(model=model)) as opened:
        found = np.stack([np.asarray(one) for one in opened.encode([*texts, *media])])
    net = AutoModel.from_pretrained(model).eval()
    pixels = AutoImageProcessor.from_pretrained(model, backend="pil")(
        [one.pixels for one in media], return_tensors="pt"
    )
    tokens = AutoTokenizer.from_pretrained(model)(
        texts, return_tensors="pt", padding="max_length", max_length=WINDOW
    )
    with torch.inference_mode():
        told = net(input_ids=tokens["input_ids"], **pixels)
    cosines = told.image_embeds @ told.text_embeds.T
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found[2:] @ found[:2].T, cosines.numpy(), atol=1e-5)


def test_answers_keep_their_order_and_do_not_mind_their_neighbours(model: str) -> None:
    media: list[Media] = [
        "one",
        noise(1),
        "a longer one",
        noise(2),
        "",
        Image(np.zeros((2, 2, 4), np.uint8)),
    ]
    with Clip(Clip.Options(model=model)) as opened:
        together = opened.encode(media)
        alone = [opened.encode([one])[0] for one in media]
    assert isinstance(together[5], Failure)
    for one, other in zip(together[:5], alone[:5], strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-5)


def test_a_text_that_fills_the_window_is_read_and_one_token_more_is_not(model: str) -> None:
    # One token a letter, and one at each end.
    fits, cut = "a" * (WINDOW - 2), "a" * (WINDOW - 1)
    with Clip(Clip.Options(model=model)) as opened:
        whole, over = opened.encode([fits, cut])
    assert np.isfinite(np.asarray(whole)).all()
    assert over == Failure(f"the text has {WINDOW + 1} tokens, and the model reads {WINDOW}")


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    model = tiny_vision.resnet(tmp_path)
    with (
        pytest.raises(AssetError, match="'resnet' is not read"),
        Clip(Clip.Options(model=model)),
    ):
        pass


def test_a_model_without_its_tokenizer_is_an_asset_error(tmp_path: Path) -> None:
    model = tiny_vision.towers(tmp_path, "CLIP")
    for path in tmp_path.glob("*token*"):
        path.unlink()
    with pytest.raises(AssetError, match="tokenizer"), Clip(Clip.Options(model=model)):
        pass


def test_it_must_be_open_to_read(model: str) -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        Clip(Clip.Options(model=model)).encode(["a"])
