"""Media read one by one: what cannot be read fails alone, and answers keep their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from harness.records import Failure, Image, Media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

# A line of pixels resized by its short side would fill the memory.
_LONGEST_RATIO = 64


def pictures(media: Sequence[Media]) -> list[NDArray[np.uint8] | Failure]:
    """Check each medium and give its pixels: uint8 [H, W, 3], RGB, contiguous.

    Grey pictures, [H, W] or [H, W, 1], get three equal channels. Floats are
    refused: whether they were scaled already cannot be seen, and to scale them
    twice makes every picture black.
    """
    return [_pixels(one) for one in media]


def answer(
    items: Sequence[T | Failure], read: Callable[[list[T]], NDArray[np.float32]]
) -> list[NDArray[np.float32] | Failure]:
    """Read the items that are no failures in one call, and put its rows in their places.

    Args:
        items: What to read, or why it cannot be.
        read: Takes n items, gives float32 [n, D].

    Returns:
        A row or a failure for each item; a row that is not finite is a failure.
    """
    import numpy as np

    found: list[NDArray[np.float32] | Failure] = [
        one if isinstance(one, Failure) else Failure("not read") for one in items
    ]
    places = [place for place, one in enumerate(items) if not isinstance(one, Failure)]
    if places:
        rows = read([one for one in items if not isinstance(one, Failure)])
        for place, row in zip(places, rows, strict=True):
            found[place] = row if np.isfinite(row).all() else Failure(_NOT_FINITE)
    return found


_NOT_FINITE = "the model's answer is not finite"


def _pixels(medium: Media) -> NDArray[np.uint8] | Failure:
    import numpy as np

    if not isinstance(medium, Image):
        return Failure("not a picture", "unsupported")
    pixels = np.asarray(medium.pixels)
    if pixels.dtype != np.uint8:
        return Failure(f"the pixels are {pixels.dtype}, not uint8 in 0..255")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        return Failure(f"the pixels have the shape {list(pixels.shape)}, not [H, W, 3]")
    height, width, _ = pixels.shape
    if max(height, width) > _LONGEST_RATIO * min(height, width):
        return Failure(f"{height} x {width} pixels: too narrow to be resized", "unsupported")
    return np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3)))
