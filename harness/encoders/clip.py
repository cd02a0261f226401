"""`clip`: pictures and texts in one space, by CLIP or SigLIP through transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from harness.encoders import vision_model
from harness.encoders.language_model import find, quiet
from harness.records import Failure, Image, Media, Modality
from harness.spec.model import Spec

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class Clip:
    """A picture, or a text, to its vector at length 1.

    A text longer than the model's window is a failure and not cut: what is cut off
    is not compared, and nobody would know.
    """

    accepts: frozenset[Modality] = frozenset({"image", "text"})
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("torch", "transformers", "pillow")

    class Options(Spec):
        """The model: an asset, a folder, or a hub id with its `revision`."""

        model: str
        revision: str | None = None
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
        self._tokenizer: Any = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The model's files, or its pinned revision."""
        return self._source.weights

    @property
    def assets(self) -> Sequence[str]:
        """The catalogue asset the model is, if it is one."""
        return self._source.assets

    def __enter__(self) -> Self:
        from transformers import AutoTokenizer

        self._model = vision_model.load(self._source, "AutoModel", self._options.device)
        with quiet():
            self._tokenizer = AutoTokenizer.from_pretrained(
                self._source.folder(), trust_remote_code=False, local_files_only=True
            )
        return self

    def __exit__(self, *exc: object) -> None:
        self._model = self._tokenizer = None

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch of pictures and texts: float32 [D] each, of length 1."""
        import torch

        found: list[NDArray[np.float32] | Failure] = [_neither()] * len(media)
        pictures = [row for row, one in enumerate(media) if isinstance(one, Image)]
        texts = [row for row, one in enumerate(media) if isinstance(one, str)]
        with torch.inference_mode():
            if pictures:
                pixels = [one.pixels for one in media if isinstance(one, Image)]
                prepared = self._model.pixels(pixels)
                seen = self._model.net.get_image_features(pixel_values=prepared)
                _put(found, pictures, seen)
            for row in texts:  # one by one: padding would change sums
                found[row] = self._of_text(str(media[row]))
        return found

    def _of_text(self, text: str) -> NDArray[np.float32] | Failure:
        window = self._model.net.config.text_config.max_position_embeddings
        filled = getattr(self._model.net.config, "model_type", "").startswith("siglip")
        tokens = self._tokenizer(
            text, return_tensors="pt", truncation=False,
            **({"padding": "max_length", "max_length": window} if filled else {}),
        ).to(self._model.device)  # fmt: skip
        count = tokens["input_ids"].shape[1]
        if count > window:
            return Failure(f"the text has {count} tokens, and the model reads {window}")
        found: list[NDArray[np.float32] | Failure] = [_neither()]
        _put(found, [0], self._model.net.get_text_features(**tokens))
        return found[0]


def _neither() -> Failure:
    return Failure("neither a picture nor a text", "unsupported")


def _put(found: list[NDArray[np.float32] | Failure], rows: Sequence[int], output: Any) -> None:
    """Put a model's answer in its rows, each vector at length 1."""
    vectors: torch.Tensor = getattr(output, "pooler_output", output).float()
    vectors = vectors / vectors.norm(dim=-1, keepdim=True)
    for row, vector in zip(rows, vectors.cpu().numpy(), strict=True):
        found[row] = vector
