"""Bilinear resize as TensorFlow 1 does it: corners not aligned, half pixels not counted.

FID's numbers rest on this resize. It looks at the two nearest pixels however
far it shrinks, so a large picture is aliased; that is part of the definition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grid = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]


def resize_tf1(pixels: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Resize a picture to a square, in float32 and in TensorFlow's order of sums.

    Pixel i of n new ones lies at i * old / n; the two old pixels around it are
    mixed, and the last old pixel stands for those beyond the edge.

    >>> import numpy as np
    >>> resize_tf1(np.array([[[0], [8]]], np.uint8), 4)[0, :, 0]
    array([0., 4., 8., 8.], dtype=float32)

    Args:
        pixels: uint8 [H, W, C].
        size: The new height and width.

    Returns:
        float32 [size, size, C], on the scale of `pixels`, not rounded.

    Source: `tf.image.resize_bilinear(align_corners=False)` of TensorFlow 1,
        core/kernels/resize_bilinear_op.cc and image_resizer_state.h.
    """
    import numpy as np

    top, bottom, down = _grid(pixels.shape[0], size)
    left, right, across = _grid(pixels.shape[1], size)
    values = pixels.astype(np.float32)

    def mixed(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        line = values[rows]
        here = line[:, left]
        found: NDArray[np.float32] = here + (line[:, right] - here) * across[None, :, None]
        return found

    upper = mixed(top)
    resized: NDArray[np.float32] = upper + (mixed(bottom) - upper) * down[:, None, None]
    return resized


def _grid(old: int, new: int) -> Grid:
    """For each new pixel: the old ones before and behind it, and the share of the latter."""
    import numpy as np

    place = np.arange(new, dtype=np.float32) * np.float32(old / new)
    before = place.astype(np.intp)
    return before, np.minimum(before + 1, old - 1), place - before.astype(np.float32)
