"""`open-nsfw`: how likely a picture is sexual, by Yahoo's open_nsfw: needs no hub."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from harness.assets import cache
from harness.encoders import golden
from harness.encoders.itemwise import answer, pictures
from harness.errors import PluginError
from harness.records import Failure, Media, Modality
from harness.spec.model import Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ASSET = "open-nsfw"
_FILE = "open-nsfw.onnx"
_RESIZED, _SIZE = 256, 224
# Of the golden picture. With the colours in the other order it is 0.03, with pixels scaled
# twice 0.07; the JPEG on the way makes it depend on Pillow's version.
_GOLDEN, _WITHIN = (0.657,), 0.2
# Of Yahoo's training pictures, in the order blue, green, red.
_MEAN_BGR = (104, 117, 123)


class OpenNsfw:
    """Pictures to one probability each: that of being not safe for work.

    As it opens it has to find the golden picture as doubtful as ever: a disc that
    shows nothing, at which the network happens to start.

    Source: Mahadeokar and Pesavento, Open Sourcing a Deep Learning Solution for
        Detecting NSFW Images (Yahoo, 2016).
    """

    accepts: frozenset[Modality] = frozenset({"image"})
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("onnxruntime", "numpy", "pillow")
    assets: Sequence[str] = (_ASSET,)

    class Options(Spec):
        """How many pictures at once; it runs on the CPU."""

        batch: Annotated[int, Field(ge=1, le=4096)] = 32

    def __init__(self, options: Options) -> None:
        self.batch = options.batch
        self._session: Any = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The asset's fingerprint, from the catalogue."""
        return {_ASSET: cache.fingerprint(_ASSET)}

    def __enter__(self) -> Self:
        import onnxruntime  # type: ignore[import-untyped]  # it ships none

        path = cache.verify(_ASSET) / _FILE
        self._session = onnxruntime.InferenceSession(
            str(path), providers=["CPUExecutionProvider"]
        )
        golden.check(_ASSET, self.encode([golden.picture()])[0], _GOLDEN, _WITHIN)
        return self

    def __exit__(self, *exc: object) -> None:
        self._session = None

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch of pictures: float32 [1], a probability."""
        if self._session is None:
            raise PluginError(f"{_ASSET} reads before it is opened", fix="open it by `with`")
        return answer(pictures(media), self._read)

    def _read(self, found: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        import numpy as np

        batch = np.stack([_prepared(one) for one in found])
        (given,) = self._session.get_inputs()
        (both,) = self._session.run(None, {given.name: batch})
        unsafe: NDArray[np.float32] = np.asarray(both, np.float32)[:, 1:2]
        return unsafe


def _prepared(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Prepare a picture as Yahoo's `classify_nsfw.py` does: float32 [224, 224, 3], BGR.

    The picture is written as JPEG on the way: the network was trained on what
    that leaves, and without it the scores are others.
    """
    import numpy as np
    from PIL import Image

    edge = (_RESIZED - _SIZE) // 2
    shrunk = Image.fromarray(pixels).resize((_RESIZED, _RESIZED), Image.Resampling.BILINEAR)
    written = io.BytesIO()
    shrunk.crop((edge, edge, edge + _SIZE, edge + _SIZE)).save(written, format="JPEG")
    with Image.open(written) as read:
        rgb = np.asarray(read, np.float32)
    return np.ascontiguousarray(rgb[:, :, ::-1] - np.array(_MEAN_BGR, np.float32))
