"""The painter: pictures that depend on the prompt and the seed, and on nothing else."""

import numpy as np
from numpy.typing import NDArray

from harness.generators.pixel import Pixel
from harness.records import Generated, Image
from tests.generators.asking import case


def painted(text: str, seed: int = 7, size: int = 16) -> NDArray[np.uint8]:
    (answer,) = Pixel(Pixel.Options(size=size)).generate([case(text, seed=seed)])
    assert isinstance(answer, Generated)
    assert isinstance(answer.media, Image)
    return answer.media.pixels


def test_a_picture_is_bytes_in_rgb_of_the_size_asked_for() -> None:
    pixels = painted("a", size=5)
    assert pixels.shape == (5, 5, 3)
    assert pixels.dtype == np.dtype(np.uint8)


def test_the_same_case_gives_the_same_picture() -> None:
    assert (painted("a") == painted("a")).all()


def test_another_prompt_or_seed_gives_another_picture() -> None:
    assert (painted("a") != painted("b")).any()
    assert (painted("a", seed=1) != painted("a", seed=2)).any()
