"""`vision`: any vision backbone that transformers knows, such as DINOv2, ResNet or ViT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from harness.encoders import vision_model
from harness.encoders.language_model import find
from harness.records import Failure, Image, Media, Modality
from harness.spec.model import Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Vision:
    """Pictures to the backbone's pooled features, or to the probabilities of its classes."""

    accepts: frozenset[Modality] = frozenset({"image"})
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("torch", "transformers", "pillow")

    class Options(Spec):
        """The model: an asset, a folder, or a hub id with its `revision`.

        `layer`: `pooled` for features (of a transformer, its class token), or
        `probabilities` for a classifier's, as the Inception Score takes them.
        """

        model: str
        revision: str | None = None
        layer: Literal["pooled", "probabilities"] = "pooled"
        device: str = "auto"
        batch: Annotated[int, Field(ge=1, le=4096)] = 64

        @field_validator("model")
        @classmethod
        def _beside_the_suite(cls, value: str, info: ValidationInfo) -> str:
            folder: Path = (info.context or {}).get("base", Path()) / value
            return str(folder) if folder.is_dir() else value

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._source = find(options.model, options.revision)
        self._model: Any = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The model's files, or its pinned revision."""
        return self._source.weights

    @property
    def assets(self) -> Sequence[str]:
        """The catalogue asset the model is, if it is one."""
        return self._source.assets

    def __enter__(self) -> Self:
        kind = "AutoModel" if self._options.layer == "pooled" else _CLASSIFIER
        self._model = vision_model.load(self._source, kind, self._options.device)
        return self

    def __exit__(self, *exc: object) -> None:
        self._model = None

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch of pictures: float32 [D] each."""
        if not all(isinstance(one, Image) for one in media):
            return [Failure("not a picture", "unsupported")] * len(media)
        import torch

        pictures = [one.pixels for one in media if isinstance(one, Image)]
        with torch.inference_mode():
            found = self._model.net(pixel_values=self._model.pixels(pictures))
            vectors = self._layer(found).float().cpu().numpy()
        return list(vectors)

    def _layer(self, found: Any) -> Any:
        if self._options.layer == "probabilities":
            return found.logits.float().softmax(dim=-1)
        pooled = getattr(found, "pooler_output", None)
        return (found.last_hidden_state[:, 0] if pooled is None else pooled).flatten(1)


_CLASSIFIER = "AutoModelForImageClassification"
