"""`vision`: any vision backbone that transformers knows, such as DINOv2, ResNet or ViT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from harness.encoders import arithmetic, vision_model
from harness.encoders.itemwise import answer, pictures
from harness.encoders.language_model import find
from harness.encoders.vision_model import ModelOptions, VisionModel
from harness.errors import AssetError, PluginError
from harness.records import Failure, Media, Modality

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class Vision:
    """Pictures to the backbone's pooled features, or to the probabilities of its classes."""

    accepts: frozenset[Modality] = frozenset({"image"})
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("torch", "transformers", "pillow")

    class Options(ModelOptions):
        """The model: an asset, a folder, or a hub id with its `revision`.

        `layer`: `pooled` for the features the model itself pools (of DINOv2
        its class token); `class_token` for a transformer's own, where its file
        has no pooler; `probabilities` for a classifier's, as the Inception
        Score takes them.
        """

        layer: Literal["pooled", "class_token", "probabilities"] = "pooled"

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._source = find(options.model, options.revision)
        self._model: VisionModel | None = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The model's files, or its pinned revision."""
        return self._source.weights

    @property
    def assets(self) -> Sequence[str]:
        """The catalogue asset the model is, if it is one."""
        return self._source.assets

    @property
    def folder(self) -> Path:
        """The model's folder on this machine."""
        return self._source.folder()

    def __enter__(self) -> Self:
        layer = self._options.layer
        kind = _CLASSIFIER if layer == "probabilities" else "AutoModel"
        unused = ("pooler.",) if layer == "class_token" else ()
        opened = vision_model.load(self._source, kind, self._options.device, unused=unused)
        if kind == _CLASSIFIER and opened.net.config.problem_type == _MANY_AT_ONCE:
            raise AssetError(
                "the classifier may find several classes in one picture, so its outputs are "
                "no distribution",
                where=self._source.name,
                fix="give a classifier that picks one class, or `layer: pooled`",
            )
        self._model = opened
        return self

    def __exit__(self, *exc: object) -> None:
        self._model = None

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch of pictures: float32 [D] each."""
        if self._model is None:
            raise PluginError("vision reads before it is opened", fix="open it by `with`")
        model = self._model

        def read(found: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
            with arithmetic.exact():
                vectors = self._layer(model.net(pixel_values=model.pixels(found)))
                read: NDArray[np.float32] = vectors.float().cpu().numpy()
            return read

        return answer(pictures(media), read)

    def _layer(self, found: Any) -> torch.Tensor:
        layer, chosen = self._options.layer, None
        if layer == "probabilities":
            chosen = found.logits.double().softmax(dim=-1)
        elif layer == "pooled" and getattr(found, "pooler_output", None) is not None:
            chosen = found.pooler_output.flatten(1)
        elif layer == "class_token" and found.last_hidden_state.ndim == 3:
            chosen = found.last_hidden_state[:, 0]
        if chosen is None:
            other = "class_token" if layer == "pooled" else "pooled"
            raise PluginError(
                f"the model {self._source.name} has no `{layer}`", fix=f"try `layer: {other}`"
            )
        vectors: torch.Tensor = chosen
        return vectors


_CLASSIFIER = "AutoModelForImageClassification"
_MANY_AT_ONCE = "multi_label_classification"
