"""A picture made small enough to travel inside a report, as a `data:` address."""

from __future__ import annotations

import base64
import io

from harness import pictures
from harness.records import Image

SIDE = 96
"""The longest side of a thumbnail, in pixels."""
_EXACT_BYTES = 6_000
_QUALITY = 80


def thumbnail(image: Image) -> str:
    """Keep a small picture as it is, and reduce a larger one; equal pixels, equal bytes.

    A picture of at most 96 x 96 pixels whose PNG is small stays exact, because
    that is where single pixels are looked at. All else becomes a JPEG, so that
    not even noise makes a report heavy.
    """
    height, width = image.pixels.shape[:2]
    if max(height, width) <= SIDE:
        exact = pictures.encode(image)
        if len(exact) <= _EXACT_BYTES:
            return _address("png", exact)
    return _address("jpeg", _reduced(image))


def _reduced(image: Image) -> bytes:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image.pixels)
    picture.thumbnail((SIDE, SIDE), Pillow.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _address(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
