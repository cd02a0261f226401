"""The encoder reads pinned weights only, and gives each picture its own features."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from harness.digests import of_file
from harness.encoders import inception_network
from harness.encoders.inception import TF_2015, Inception
from harness.errors import AssetError, PluginError
from harness.records import Failure, Image


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write random weights that keep the layers' answers near one."""
    made = torch.Generator().manual_seed(3)
    state = {}
    for name, shape in inception_network.shapes().items():
        state[name] = torch.zeros(shape)
        if name.endswith(("running_var", "bn.weight")):
            state[name] += 1
        elif len(shape) > 1:
            spread = (2 / torch.Size(shape[1:]).numel()) ** 0.5
            state[name] = torch.randn(shape, generator=made) * spread
    path: Path = tmp_path_factory.mktemp("inception") / "weights.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def encoder(file: Path) -> Iterator[Inception]:
    with Inception(Inception.Options(file=file, sha256=of_file(file))) as opened:
        yield opened


def noise(seed: int, high: int = 40, wide: int = 30) -> Image:
    drawn = np.random.default_rng(seed)
    return Image(drawn.integers(0, 256, (high, wide, 3), dtype=np.uint8))


def test_a_picture_has_2048_features_of_its_own(encoder: Inception) -> None:
    together = encoder.encode([noise(1), noise(2), noise(1)])
    (alone,) = encoder.encode([noise(2)])
    first, second, third = (np.asarray(one) for one in together)
    assert first.shape == (2048,)
    assert first.dtype == np.float32
    assert (first >= 0).all()
    np.testing.assert_array_equal(first, third)
    np.testing.assert_allclose(second, np.asarray(alone), rtol=0, atol=1e-4)
    assert np.abs(first - second).max() > 0.01


def test_what_is_no_picture_fails_alone(encoder: Inception) -> None:
    bad, good, ugly = encoder.encode(["a text", noise(1), Image(np.zeros((2, 2), np.float32))])
    assert isinstance(bad, Failure)
    assert isinstance(ugly, Failure)
    assert np.asarray(good).shape == (2048,)


def test_a_grey_picture_is_read_as_its_three_equal_channels(encoder: Inception) -> None:
    grey = np.random.default_rng(5).integers(0, 256, (20, 20), dtype=np.uint8)
    flat, deep = encoder.encode([Image(grey), Image(np.stack([grey] * 3, axis=2))])
    np.testing.assert_array_equal(np.asarray(flat), np.asarray(deep))


def test_probabilities_are_the_softmax_of_logits_without_bias(
    encoder: Inception, file: Path
) -> None:
    options = Inception.Options(file=file, sha256=of_file(file), layer="probabilities")
    with Inception(options) as opened:
        (found,) = opened.encode([noise(1)])
    (features,) = encoder.encode([noise(1)])
    weight = encoder._weights["fc.weight"].double().numpy()
    logits = np.asarray(features, np.float64) @ weight.T
    expected = np.exp(logits - logits.max())
    expected /= expected.sum()
    assert np.asarray(found).shape == (1008,)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-4)


def test_by_default_only_the_weights_of_fid_will_do(file: Path) -> None:
    options = Inception.Options(file=file)
    assert Inception(options).weights == {"inception": TF_2015}
    with pytest.raises(AssetError, match=TF_2015) as caught, Inception(options):
        pass
    assert "pytorch-fid" in caught.value.fix


def test_absent_weights_say_which_file_is_wanted(tmp_path: Path) -> None:
    options = Inception.Options(file=tmp_path / "none.safetensors")
    with (
        pytest.raises(AssetError, match="pt_inception-2015-12-05-6726825d"),
        Inception(options),
    ):
        pass


def test_a_pickle_must_be_allowed_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="allow_pickle: true"):
        Inception.Options(file=tmp_path / "weights.pth")
    Inception.Options(file=tmp_path / "weights.pth", allow_pickle=True)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"fc.weight": torch.zeros(1000, 2048)}, path)
    options = Inception.Options(file=path, sha256=of_file(path))
    with pytest.raises(AssetError, match="not the network's weights"), Inception(options):
        pass


def test_it_must_be_open_to_read(file: Path) -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        Inception(Inception.Options(file=file)).encode([noise(1)])
