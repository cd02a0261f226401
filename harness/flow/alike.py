"""Whether two reports say the same, whichever release compressed their pictures.

Equal pixels are other bytes where a library packs harder, and a JPEG rounds by the
processor. So pictures inside a report are held against each other by their pixels,
and everything else byte by byte.
"""

from __future__ import annotations

import base64
import binascii
import re

from harness import pictures
from harness.records import Failure

_PICTURE = re.compile(rb"data:image/(png|jpeg);base64,([A-Za-z0-9+/]+={0,2})")
_ROUNDING = {b"png": 0.0, b"jpeg": 2.0}
"""How far two pictures may be apart in the mean, in steps of 0 to 255."""


def alike(written: bytes, made: bytes) -> bool:
    """Compare two reports.

    Args:
        written: The report that is there.
        made: The same report, made again.
    """
    if written == made:
        return True
    if _PICTURE.sub(b"", written) != _PICTURE.sub(b"", made):
        return False
    pairs = zip(_PICTURE.findall(written), _PICTURE.findall(made), strict=True)
    return all(_same(*pair) for pair in pairs)


def _same(written: tuple[bytes, bytes], made: tuple[bytes, bytes]) -> bool:
    import numpy as np

    if written == made:
        return True
    try:
        one, other = (pictures.decode(base64.b64decode(text)) for _, text in (written, made))
    except binascii.Error:
        return False
    if isinstance(one, Failure) or isinstance(other, Failure) or written[0] != made[0]:
        return False
    if one.pixels.shape != other.pixels.shape:
        return False
    apart = np.abs(one.pixels.astype(np.int16) - other.pixels.astype(np.int16))
    return float(apart.mean()) <= _ROUNDING[made[0]]
