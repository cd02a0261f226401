"""The golden picture: an encoder that sees something else in it than before is not opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.encoders import efficientnet, golden, open_nsfw
from harness.encoders.efficientnet import EfficientNetLite0
from harness.encoders.open_nsfw import OpenNsfw
from harness.errors import AssetError
from harness.records import Failure, Image


def test_the_picture_is_a_disc_that_fades_into_its_ground() -> None:
    pixels = golden.picture().pixels
    assert pixels.shape == (256, 256, 3)
    assert pixels[127, 127].tolist() == [152, 140, 116]
    assert pixels[0, 0].tolist() == [165, 252, 122]
    np.testing.assert_array_equal(pixels, pixels[::-1])
    np.testing.assert_array_equal(pixels, pixels.transpose(1, 0, 2))


def test_what_is_near_enough_is_as_before() -> None:
    golden.check("e", np.array([1.04, 2.0], np.float32), [1.0, 2.0], 0.05)


@pytest.mark.parametrize(
    "found", [np.array([1.0, 2.1]), np.array([1.0, np.nan]), Failure("not finite")]
)
def test_what_is_further_off_is_refused(found: Any) -> None:
    with pytest.raises(AssetError, match="does not see what it did") as caught:
        golden.check("e", found, [1.0, 2.0], 0.05)
    assert "not 1, 2" in caught.value.where


def swapped() -> Image:
    return Image(np.ascontiguousarray(golden.picture().pixels[:, :, ::-1]))


def scaled_twice() -> Image:
    return Image(golden.picture().pixels // 255)


@pytest.mark.parametrize("wrong", [swapped, scaled_twice])
@pytest.mark.parametrize(
    ("asset", "encoder", "options"),
    [
        ("open-nsfw", OpenNsfw, {}),
        ("efficientnet-lite0", EfficientNetLite0, {}),
        ("efficientnet-lite0", EfficientNetLite0, {"layer": "probabilities"}),
    ],
)
def test_an_encoder_that_is_fed_wrongly_is_not_opened(
    asset: str,
    encoder: Any,
    options: dict[str, str],
    wrong: Callable[[], Image],
    assets: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assets(asset)
    with encoder(encoder.Options(**options)):
        pass
    spoilt = wrong().pixels
    module = {OpenNsfw: open_nsfw, EfficientNetLite0: efficientnet}[encoder]
    prepare = "_prepared" if encoder is OpenNsfw else "_cropped"
    real = getattr(module, prepare)
    monkeypatch.setattr(module, prepare, lambda pixels: real(spoilt))
    with (
        pytest.raises(AssetError, match="does not see what it did"),
        encoder(encoder.Options(**options)),
    ):
        pass
