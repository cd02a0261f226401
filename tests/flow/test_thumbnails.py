"""Thumbnails: small ones exact, large ones small, equal pixels equal bytes."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from harness import pictures
from harness.flow.thumbnails import thumbnail
from harness.records import Image


def noise(height: int, width: int) -> Image:
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image(pixels)


def opened(source: str) -> Image:
    found = pictures.decode(base64.b64decode(source.partition(",")[2]))
    assert isinstance(found, Image)
    return found


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (30, 40)])
def test_a_small_picture_keeps_every_pixel(size: tuple[int, int]) -> None:
    source = thumbnail(noise(*size))
    assert source.startswith("data:image/png;base64,")
    assert (opened(source).pixels == noise(*size).pixels).all()


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((512, 512), (96, 96)),
        ((300, 600), (48, 96)),
        ((97, 10), (96, 10)),
        ((1, 4000), (1, 96)),
    ],
)
def test_a_large_picture_is_reduced_in_its_own_shape(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    source = thumbnail(noise(*size))
    assert source.startswith("data:image/jpeg;base64,")
    assert opened(source).pixels.shape[:2] == shown


def test_a_reduced_picture_keeps_its_colours() -> None:
    halves = np.zeros((400, 400, 3), np.uint8)
    halves[:, :200] = (200, 30, 60)
    found = opened(thumbnail(Image(halves))).pixels.astype(int)
    assert np.abs(found[48, 20] - (200, 30, 60)).max() < 8
    assert found[48, 80].max() < 8


@pytest.mark.parametrize("side", [16, 44, 45, 63, 96, 97, 1024])
def test_not_even_noise_makes_a_report_heavy(side: int) -> None:
    assert 144 * len(thumbnail(noise(side, side))) < 1_900_000


def test_equal_pixels_are_equal_bytes() -> None:
    assert thumbnail(noise(200, 100)) == thumbnail(noise(200, 100))
