"""One fixed picture, by which an encoder shows as it opens that it still sees what it did.

Pinned weights alone do not make the same numbers: another runtime, another order of
the colours or pictures scaled twice would go unnoticed, and a detector that has gone
blind finds nothing, which passes. The picture is a soft disc, so no file comes with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import AssetError
from harness.records import Failure, Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIZE, _RADIUS, _EDGE = 256, 87, 61
_DISC, _AROUND = (152, 140, 116), (165, 252, 122)


def picture() -> Image:
    """A disc of greyish brown that fades into light green, 256 x 256."""
    import numpy as np

    y, x = np.mgrid[:_SIZE, :_SIZE] - (_SIZE - 1) / 2
    inside = np.clip((_RADIUS - np.hypot(x, y)) / _EDGE, 0, 1)[:, :, None]
    return Image(np.round(inside * _DISC + (1 - inside) * _AROUND).astype(np.uint8))


def check(
    name: str, found: NDArray[np.float32] | Failure, expected: Sequence[float], within: float
) -> None:
    """Hold what an encoder sees in the picture to what it saw when it was written.

    Args:
        name: The encoder.
        found: Its vector of the picture, or the part of it that is compared, float32 [n].
        expected: What that was.
        within: How far each number may be off: processors and versions differ in the last bits.

    Raises:
        AssetError: It is further off.
    """
    import numpy as np

    if isinstance(found, Failure) or not np.allclose(found, expected, rtol=0, atol=within):
        seen = (
            found.reason if isinstance(found, Failure) else ", ".join(f"{v:.3g}" for v in found)
        )
        raise AssetError(
            f"{name} does not see what it did in a known picture",
            where=f"{seen}, not {', '.join(f'{v:.3g}' for v in expected)}",
            fix="install the versions that the harness was tested with: see `harness doctor`",
        )
