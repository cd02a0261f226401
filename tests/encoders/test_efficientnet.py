"""EfficientNet-Lite0 sees what is in real photographs, with the published weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from harness.assets import cache
from harness.assets.pull import pull
from harness.encoders import efficientnet_network, state_dict
from harness.encoders.efficientnet import EfficientNetLite0, _cropped
from harness.encoders.efficientnet_network import layers, shapes
from harness.errors import AssetError, PluginError
from harness.records import Failure, Image

PALACE, DAISY = 698, 985


@pytest.fixture(scope="module")
def photographs() -> list[Image]:
    from sklearn.datasets import load_sample_image

    return [Image(np.array(load_sample_image(name))) for name in ("china.jpg", "flower.jpg")]


@pytest.fixture(scope="module")
def encoder(assets: Callable[[str], Path]) -> Iterator[EfficientNetLite0]:
    assets("efficientnet-lite0")
    with EfficientNetLite0(EfficientNetLite0.Options()) as opened:
        yield opened


def test_a_temple_is_a_palace_and_a_dahlia_a_daisy(
    photographs: list[Image], encoder: EfficientNetLite0
) -> None:
    options = EfficientNetLite0.Options(layer="probabilities")
    with EfficientNetLite0(options) as opened:
        found = np.stack([np.asarray(one) for one in opened.encode(photographs)])
    assert found.argmax(axis=1).tolist() == [PALACE, DAISY]
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    # By the package efficientnet-lite-pytorch 0.1.0 on the same weights and pixels.
    np.testing.assert_allclose(found.max(axis=1), [0.280, 0.321], atol=2e-3)


def test_features_are_those_of_the_picture_alone(
    photographs: list[Image], encoder: EfficientNetLite0
) -> None:
    china, text, flower = encoder.encode([photographs[0], "a text", photographs[1]])
    (alone,) = encoder.encode(photographs[1:])
    assert isinstance(text, Failure)
    assert np.asarray(china).shape == (1280,)
    np.testing.assert_allclose(np.asarray(flower), np.asarray(alone), rtol=0, atol=1e-4)


def test_it_has_the_weights_its_authors_count() -> None:
    # 4,652,008 parameters, `efficientnet/lite/README.md`: 4.7 M.
    learned = [shape for name, shape in shapes().items() if "running" not in name]
    assert sum(map(math.prod, learned)) == 4_652_008


def test_a_block_is_its_convolutions_by_hand() -> None:
    # The fourth block, 24 to 40 channels with kernel 5 and stride 2, on an odd side.
    names = {n: s for n, s in shapes().items() if n.startswith("_blocks.3.")}
    made = torch.Generator().manual_seed(1)
    weights = {n: torch.rand(s, generator=made) for n, s in names.items()}
    x = torch.randn(2, 24, 9, 8, generator=made)
    block = efficientnet_network.BLOCKS[3]
    found = efficientnet_network._block(weights, 3, block, x)

    def norm(name: str) -> nn.BatchNorm2d:
        layer = nn.BatchNorm2d(len(weights[f"{name}.bias"]), eps=1e-3)
        layer.load_state_dict(
            {p: weights[f"{name}.{p}"] for p in efficientnet_network._NORM}, strict=False
        )
        return layer.eval()

    y = nn.functional.conv2d(x, weights["_blocks.3._expand_conv.weight"])
    y = nn.functional.relu6(norm("_blocks.3._bn0")(y))
    # SAME: 9 rows to 5 need 2 + 2 more, 8 columns to 4 need 1 before and 2 behind.
    y = nn.functional.pad(y, (1, 2, 2, 2))
    y = nn.functional.conv2d(
        y, weights["_blocks.3._depthwise_conv.weight"], stride=2, groups=144
    )
    y = nn.functional.relu6(norm("_blocks.3._bn1")(y))
    y = norm("_blocks.3._bn2")(
        nn.functional.conv2d(y, weights["_blocks.3._project_conv.weight"])
    )
    assert found.shape == (2, 40, 5, 4)
    torch.testing.assert_close(found, y)


def test_only_a_block_that_keeps_its_shape_adds_its_input(
    encoder: EfficientNetLite0,
) -> None:
    kept = [b.stride == 1 and b.channels == b.out for b in efficientnet_network.BLOCKS]
    assert [place for place, same in enumerate(kept) if same] == [2, 4, 6, 7, 9, 10, 12, 13, 14]
    with torch.inference_mode():
        answers = dict(layers(encoder._weights, torch.zeros(1, 3, 224, 224)))
    assert answers["_blocks.15"].shape == (1, 320, 7, 7)
    assert answers["head"].max() <= 6


def test_the_crop_is_the_middle_seven_eighths() -> None:
    # 224 / (224 + 32) of the shorter side, 256: 224 pixels from (256 - 224 + 1) // 2 on.
    pixels = np.zeros((256, 300, 3), np.uint8)
    pixels[16:240, 38:262] = np.arange(224, dtype=np.uint8)[:, None, None]
    np.testing.assert_array_equal(_cropped(pixels), pixels[16:240, 38:262])
    assert _cropped(np.full((1, 1, 3), 7, np.uint8)).max() == 7


def test_absent_weights_say_how_to_pull_them(cache_root: Path) -> None:
    with (
        pytest.raises(AssetError, match="harness assets pull efficientnet-lite0"),
        EfficientNetLite0(EfficientNetLite0.Options()),
    ):
        pass


def test_a_changed_byte_is_refused(
    encoder: EfficientNetLite0, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cache.locate("efficientnet-lite0")
    (held,) = real.iterdir()
    data = bytearray(held.read_bytes())
    monkeypatch.setenv("HARNESS_ASSETS", str(tmp_path))
    copy = tmp_path / real.name
    copy.mkdir()
    data[len(data) // 2] ^= 1
    (copy / held.name).write_bytes(data)
    with (
        pytest.raises(AssetError, match="sha256") as caught,
        EfficientNetLite0(EfficientNetLite0.Options()),
    ):
        pass
    assert "harness assets pull efficientnet-lite0" in caught.value.fix


def test_it_must_be_open_to_read() -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        EfficientNetLite0(EfficientNetLite0.Options()).encode([])


def test_every_weight_of_the_file_is_used(assets: Callable[[str], Path]) -> None:
    (path,) = pull("efficientnet-lite0").iterdir()
    held = state_dict.read(path, path_digest(), fix="")
    assert state_dict.take(held, shapes(), "").keys() == shapes().keys()


def path_digest() -> str:
    from harness.assets.catalogue import find

    (digest,) = find("efficientnet-lite0").files.values()
    return digest
