"""`lpips`: pictures of one size to vectors whose squared distances are LPIPS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from harness.encoders.itemwise import answer, pictures
from harness.encoders.lpips_model import LpipsModel, LpipsOptions, load
from harness.errors import PluginError
from harness.records import Failure, Media, Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Lpips:
    """Pictures to the vectors of LPIPS, at one size, so that any two can be compared."""

    accepts: frozenset[Modality] = frozenset({"image"})
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("torch", "torchmetrics", "safetensors", "numpy")

    class Options(LpipsOptions):
        """The weights, and the side in pixels that pictures are resized to.

        LPIPS was taught on patches of 64 x 64. A vector grows with the area: at 64
        AlexNet's has 31,872 numbers, at 256 twenty times as many.
        """

        size: Annotated[int, Field(ge=32, le=256)] = 64
        batch: Annotated[int, Field(ge=1, le=4096)] = 32

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._model: LpipsModel | None = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The pinned digests of the network's weights and of LPIPS's own."""
        return self._options.digests

    def __enter__(self) -> Self:
        self._model = load(self._options)
        return self

    def __exit__(self, *exc: object) -> None:
        self._model = None

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch of pictures: float32 [D] each, the same D for all."""
        if self._model is None:
            raise PluginError("lpips reads before it is opened", fix="open it by `with`")
        model, size = self._model, self._options.size

        def read(found: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
            read: NDArray[np.float32] = model.embed(found, size).cpu().numpy()
            return read

        return answer(pictures(media), read)
