"""Reports are compared byte by byte, the pictures inside them by their pixels."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from harness.flow.alike import alike

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)


def page(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], kind: str, hard: int
) -> bytes:
    """A report with this picture, compressed more or less hard."""
    buffer = io.BytesIO()
    how = {"compress_level": hard} if kind == "png" else {"quality": hard}
    Image.fromarray(pixels).save(buffer, format=kind, **how)
    text = base64.b64encode(buffer.getvalue()).decode()
    return f'<p>worst</p><img src="data:image/{kind};base64,{text}">'.encode()


def test_equal_pixels_packed_otherwise_are_alike() -> None:
    assert page(PIXELS, "png", 0) != page(PIXELS, "png", 9)
    assert alike(page(PIXELS, "png", 0), page(PIXELS, "png", 9))


def test_a_jpeg_that_was_rounded_otherwise_is_alike() -> None:
    smooth = np.full((24, 24, 3), 100, dtype=np.uint8)
    assert alike(page(smooth, "jpeg", 95), page(smooth + 1, "jpeg", 95))
    assert not alike(page(smooth, "jpeg", 95), page(smooth + 9, "jpeg", 95))


@pytest.mark.parametrize(
    "other",
    [
        page(np.roll(PIXELS, 1), "png", 9),
        page(PIXELS[:12], "png", 9),
        page(PIXELS, "jpeg", 95),
        page(PIXELS, "png", 9).replace(b"worst", b"best"),
        page(PIXELS, "png", 9) * 2,
        page(PIXELS, "png", 9).replace(b"base64,iVBOR", b"base64,iVBOS"),
        page(PIXELS, "png", 9).replace(b"base64,iVBOR", b"base64,VBOR"),
        b"",
    ],
)
def test_another_picture_or_another_word_is_not_alike(other: bytes) -> None:
    assert not alike(page(PIXELS, "png", 0), other)
    assert not alike(other, page(PIXELS, "png", 0))


def test_one_other_pixel_of_a_picture_kept_exactly_is_seen() -> None:
    changed = PIXELS.copy()
    changed[3, 4, 0] ^= 1
    assert not alike(page(changed, "png", 0), page(PIXELS, "png", 9))
