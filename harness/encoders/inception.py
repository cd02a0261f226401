"""`inception`: the features that FID, KID and the Inception Score are defined on."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.encoders import arithmetic, inception_network, state_dict
from harness.encoders.itemwise import answer, pictures
from harness.encoders.resize_tf1 import resize_tf1
from harness.errors import AssetError, PluginError
from harness.records import Failure, Media, Modality
from harness.spec.model import Spec, SuitePath

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

TF_2015 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""Sha256 of `pt_inception-2015-12-05-6726825d.pth`. With other weights it is no FID."""


class Inception:
    """Pictures to the 2,048 features of Inception-v3's last pool, or to its probabilities."""

    accepts: frozenset[Modality] = frozenset({"image"})
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("torch", "safetensors", "numpy")

    class Options(Spec):
        """Which weights, and which layer.

        `file`: safetensors or, with `allow_pickle`, the state dict that
        pytorch-fid publishes. `sha256`: what it must hash to; by default, that
        of the TF-2015 weights, which FID is defined by. `layer`: `pooled` for
        FID and KID (`pool3`), `probabilities` for the Inception Score (1,008
        classes, from logits without bias).
        """

        file: SuitePath
        sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] = TF_2015
        allow_pickle: bool = False
        layer: Literal["pooled", "probabilities"] = "pooled"
        device: str = "auto"
        batch: Annotated[int, Field(ge=1, le=4096)] = 32

        @model_validator(mode="after")
        def _pickle_allowed(self) -> Self:
            if self.file.suffix != ".safetensors" and not self.allow_pickle:
                raise ValueError("a file of torch is a pickle: say `allow_pickle: true`")
            return self

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._weights: dict[str, torch.Tensor] = {}
        self._device = "cpu"

    @property
    def weights(self) -> Mapping[str, str]:
        """The file's pinned digest."""
        return {"inception": self._options.sha256}

    @property
    def folder(self) -> Path:
        """The folder of the weights' file, which is there."""
        file = self._options.file
        if not file.is_file():
            raise AssetError(
                "the file of weights is absent",
                where=str(file),
                fix=_cure(self._options.sha256),
            )
        return file.parent

    def __enter__(self) -> Self:
        file = self._options.file
        held = state_dict.read(file, self._options.sha256, fix=_cure(self._options.sha256))
        own = state_dict.take(held, inception_network.shapes(), str(file))
        self._device = arithmetic.device(self._options.device)
        self._weights = {name: tensor.to(self._device) for name, tensor in own.items()}
        return self

    def __exit__(self, *exc: object) -> None:
        self._weights = {}

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch of pictures: float32 [2048], or probabilities float32 [1008]."""
        if not self._weights:
            raise PluginError("inception reads before it is opened", fix="open it by `with`")
        return answer(pictures(media), self._read)

    def _read(self, found: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        import numpy as np
        import torch

        resized = np.stack([resize_tf1(one, inception_network.SIZE) for one in found])
        with arithmetic.exact():
            x = (torch.from_numpy(resized).to(self._device).permute(0, 3, 1, 2) - 128) / 128
            ((_, features),) = deque(inception_network.layers(self._weights, x), maxlen=1)
            if self._options.layer == "probabilities":
                logits = inception_network.logits_unbiased(self._weights, features)
                features = logits.double().softmax(dim=1).float()
            read: NDArray[np.float32] = features.cpu().numpy()
        return read


def _cure(sha256: str) -> str:
    if sha256 == TF_2015:
        return (
            "give `pt_inception-2015-12-05-6726825d.pth` of pytorch-fid's release "
            "`fid_weights`, or name your own weights by their `sha256`"
        )
    return "give that file, or name the right one by its `sha256`"
