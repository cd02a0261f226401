"""Files of pictures, which anyone may have made, to pixels; and pixels to PNG.

A file is held to limits before it is decoded, and what cannot be shown to be
one whole picture is refused with a reason, never repaired: half a picture that
is filled up with grey would be scored as if a model had painted the grey.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from harness.records import Failure, Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image as Pillow
    from PIL.ImageFile import ImageFile

MAX_BYTES = 64 * 2**20
"""The largest file of one picture; whoever reads a file holds to it, before decoding."""
MAX_PIXELS = 64_000_000
"""The most pixels of one picture, known from its header before it is decoded."""
MAX_SCANS = 100
"""The most scans of a JPEG: each costs a pass over all pixels, and few bytes."""
SUFFIXES: Mapping[str, str] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jfif": "JPEG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""The suffixes of the formats that are read."""

_FORMATS = tuple(dict.fromkeys(SUFFIXES.values()))
# Of TIFF's many, the ones that need none of the rarer decoders.
_TIFF_CODECS = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate")
_BMP_CODECS = (0, 3)
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr")
_TOO_MANY = f"the picture has more than {MAX_PIXELS:,} pixels"
# What Pillow raises on broken files, other than its two own errors.
_BROKEN = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, EOFError,
    AttributeError, RuntimeError, AssertionError, MemoryError, struct.error, zlib.error,
)  # fmt: skip


def decode(data: bytes, name: str = "") -> Image | Failure:
    """Read one picture, or say why not.

    EXIF orientation is applied, alpha is laid over white, 16-bit grey is scaled
    to 8 bits, CMYK and palettes are converted; colour profiles are not applied.

    Args:
        data: The file's bytes.
        name: Its name, whose suffix must not contradict what it holds. Without
            one, or with a suffix that is no format's, the content decides.
    """
    from PIL import Image as Pillow

    try:
        with _strict_pillow():
            _inspected(data, name)
            with _opened(data) as picture:
                return Image(_pixels(picture))
    except Pillow.DecompressionBombError:
        return Failure(_TOO_MANY)
    except _UnfitError as refusal:
        return Failure(str(refusal))
    except _BROKEN:
        # Pillow's words hold sizes and addresses: no two alike, nothing to count by.
        return Failure("the picture is cut short or broken")


def encode(image: Image) -> bytes:
    """PNG without metadata or a time stamp, so that equal pixels are equal bytes."""
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(image.pixels).save(buffer, format="PNG")
    return buffer.getvalue()


class _UnfitError(Exception):
    """What is wrong with a picture that may well be whole."""


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Take no half picture, whatever another library told Pillow; and no warnings.

    They are about metadata, which is dropped, and about size, which is limited here.
    """
    from PIL import ImageFile

    before = ImageFile.LOAD_TRUNCATED_IMAGES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def _opened(data: bytes) -> ImageFile:
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        return Pillow.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise _UnfitError(f"it is no {', '.join(_FORMATS)}, or a broken one") from error


def _inspected(data: bytes, name: str) -> None:
    """Check what can be known without decoding.

    Raises:
        _UnfitError: It is too large, or not one plain picture of its name's format.
    """
    with _opened(data) as picture:
        kind = "JPEG" if picture.format == "MPO" else str(picture.format)
        claimed = SUFFIXES.get(PurePosixPath(name).suffix.lower(), kind)
        if claimed != kind:
            raise _UnfitError(f"it is {kind}, though its name says {claimed}")
        _hold_to_limits(picture, data)
        # A camera's JPEG may carry its preview along, and is one picture all the same.
        if picture.format != "MPO" and getattr(picture, "is_animated", False):
            raise _UnfitError("it is animated or has several pages")
        picture.verify()


def _hold_to_limits(picture: ImageFile, data: bytes) -> None:
    if min(picture.size) < 1:
        raise _UnfitError("the picture has no pixels")
    if picture.width * picture.height > MAX_PIXELS:
        raise _UnfitError(_TOO_MANY)
    if picture.format in {"JPEG", "MPO"} and data.count(b"\xff\xda") > MAX_SCANS:
        raise _UnfitError(f"the JPEG has more than {MAX_SCANS} scans")
    codec = picture.info.get("compression")
    codecs = {"TIFF": _TIFF_CODECS, "BMP": _BMP_CODECS}.get(str(picture.format))
    if codecs and codec not in codecs:
        raise _UnfitError(f"a {picture.format} of this compression is not read")
    if picture.mode not in _MODES and not _is_16_bit(picture):
        raise _UnfitError(f"samples of the kind {picture.mode} are not read")


def _is_16_bit(picture: Pillow.Image) -> bool:
    # Older releases of Pillow open a 16-bit PNG as 32-bit integers.
    return picture.mode.startswith("I;16") or (picture.format, picture.mode) == ("PNG", "I")


def _pixels(picture: ImageFile) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image as Pillow
    from PIL import ImageOps

    wide = _is_16_bit(picture)
    ImageOps.exif_transpose(picture, in_place=True)
    if wide:
        return _from_16_bit(np.asarray(picture), picture.info.get("transparency"))
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)
    layer = picture.convert("RGBA")
    paper = Pillow.new("RGB", layer.size, "white")
    paper.paste(layer, mask=layer)
    return np.asarray(paper, dtype=np.uint8)


def _from_16_bit(grey: NDArray[np.integer], transparent: object) -> NDArray[np.uint8]:
    """Scale grey from 0..65535 to 0..255, rounded, with its transparent value white."""
    import numpy as np

    scaled = ((grey.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if isinstance(transparent, int):
        scaled[grey == transparent] = 255
    return np.repeat(scaled[..., np.newaxis], 3, axis=-1)
