"""`efficientnet-lite0`: small ImageNet features that need no hub."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from harness.assets import cache, catalogue
from harness.encoders import arithmetic, efficientnet_network, golden, state_dict
from harness.encoders.itemwise import answer, pictures
from harness.errors import PluginError
from harness.records import Failure, Media, Modality
from harness.spec.model import Spec

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_ASSET = "efficientnet-lite0"
_FILE = "efficientnet-lite0-57934424.pth"
# preprocessing.py of EfficientNet: CROP_PADDING; MEAN_RGB and STDDEV_RGB of its lite models.
_CROP_PADDING = 32
_MEAN, _DEVIATION = 127, 128
# The largest features of the golden picture; in the other order of colours the first is 4.69.
_GOLDEN = {897: 4.134, 113: 3.699, 71: 3.334, 1167: 2.991}
_WITHIN = 0.05


class EfficientNetLite0:
    """Pictures to 1,280 features, or to the probabilities of ImageNet's 1,000 classes."""

    accepts: frozenset[Modality] = frozenset({"image"})
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("torch", "numpy", "pillow")
    assets: Sequence[str] = (_ASSET,)

    class Options(Spec):
        """`layer`: `pooled` for features, or `probabilities` for those of the classes."""

        layer: Literal["pooled", "probabilities"] = "pooled"
        device: str = "auto"
        batch: Annotated[int, Field(ge=1, le=4096)] = 32

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._weights: dict[str, torch.Tensor] = {}
        self._device = "cpu"

    @property
    def weights(self) -> Mapping[str, str]:
        """The asset's fingerprint, from the catalogue."""
        return {_ASSET: cache.fingerprint(_ASSET)}

    def __enter__(self) -> Self:
        path = cache.locate(_ASSET) / _FILE
        pinned = catalogue.find(_ASSET).files[_FILE]
        held = state_dict.read(path, pinned, fix=f"run `harness assets pull {_ASSET}`")
        own = state_dict.take(held, efficientnet_network.shapes(), str(path))
        self._device = arithmetic.device(self._options.device)
        self._weights = {name: tensor.to(self._device) for name, tensor in own.items()}
        seen = self._pooled([golden.picture().pixels])[0].cpu().numpy()[list(_GOLDEN)]
        golden.check(_ASSET, seen, list(_GOLDEN.values()), _WITHIN)
        return self

    def __exit__(self, *exc: object) -> None:
        self._weights = {}

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch of pictures: float32 [1280], or probabilities float32 [1000]."""
        if not self._weights:
            raise PluginError(f"{_ASSET} reads before it is opened", fix="open it by `with`")
        return answer(pictures(media), self._read)

    def _read(self, found: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        features = self._pooled(found)
        if self._options.layer == "probabilities":
            with arithmetic.exact():
                logits = efficientnet_network.logits(self._weights, features)
                features = logits.double().softmax(dim=1).float()
        read: NDArray[np.float32] = features.cpu().numpy()
        return read

    def _pooled(self, found: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        import numpy as np
        import torch

        cropped = np.stack([_cropped(one) for one in found])
        with arithmetic.exact():
            x = torch.from_numpy(cropped).to(self._device).permute(0, 3, 1, 2).float()
            x = (x - _MEAN) / _DEVIATION
            ((_, features),) = deque(efficientnet_network.layers(self._weights, x), maxlen=1)
        return features


def _cropped(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Crop the middle and resize it, bicubic: uint8 [224, 224, 3]."""
    import numpy as np
    from PIL import Image

    size = efficientnet_network.SIZE
    height, width, _ = pixels.shape
    side = max(1, int(size / (size + _CROP_PADDING) * min(height, width)))
    top, left = (height - side + 1) // 2, (width - side + 1) // 2
    middle = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    return np.asarray(Image.fromarray(middle).resize((size, size), Image.Resampling.BICUBIC))
