"""`clip`: pictures and texts in one space, by CLIP or SigLIP through transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from harness.encoders import arithmetic, vision_model
from harness.encoders.itemwise import answer, pictures
from harness.encoders.language_model import find, quiet
from harness.encoders.vision_model import ModelOptions, VisionModel
from harness.errors import AssetError, PluginError
from harness.records import Failure, Media, Modality

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
    requires: Sequence[str] = ("torch", "transformers", "tokenizers", "pillow")

    class Options(ModelOptions):
        """The model: an asset, a folder, or a hub id with its `revision`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._source = find(options.model, options.revision)
        self._model: VisionModel | None = None
        self._tokenizer: Any = None

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
        opened = vision_model.load(self._source, "AutoModel", self._options.device)
        if opened.net.config.model_type not in _KNOWN:
            raise AssetError(
                f"a model of the kind {opened.net.config.model_type!r} is not read here",
                where=self._source.name,
                fix=f"give one of: {', '.join(_KNOWN)}",
            )
        self._tokenizer = _tokenizer(self._source.folder())
        self._model = opened
        return self

    def __exit__(self, *exc: object) -> None:
        self._model = self._tokenizer = None

    def encode(self, media: Sequence[Media]) -> Sequence[NDArray[np.float32] | Failure]:
        """Read a batch of pictures and texts: float32 [D] each, of length 1."""
        if self._model is None:
            raise PluginError("clip reads before it is opened", fix="open it by `with`")
        seen = answer(pictures(media), self._of_pictures)
        texts: list[torch.Tensor | Failure] = [
            self._tokens(one) if isinstance(one, str) else _NO_TEXT for one in media
        ]
        read = answer(texts, self._of_texts)
        return [
            told if isinstance(one, str) else shown
            for one, told, shown in zip(media, read, seen, strict=True)
        ]

    def _tokens(self, text: str) -> torch.Tensor | Failure:
        """The ids a text is read as: int64 [window], filled up to it."""
        model = self._opened()
        window: int = model.net.config.text_config.max_position_embeddings
        ids: torch.Tensor = self._tokenizer(
            text, return_tensors="pt", padding="max_length", max_length=window, verbose=False
        )["input_ids"][0]
        if len(ids) > window:
            return Failure(f"the text has {len(ids)} tokens, and the model reads {window}")
        return ids

    def _of_texts(self, ids: list[torch.Tensor]) -> NDArray[np.float32]:
        import torch

        # No mask: CLIP reads up to the end token only, SigLIP was trained on the padding too.
        model = self._opened()
        with arithmetic.exact():
            rows = torch.stack(ids).to(model.device)
            return _at_length_one(model.net.get_text_features(input_ids=rows))

    def _of_pictures(self, found: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        model = self._opened()
        with arithmetic.exact():
            return _at_length_one(
                model.net.get_image_features(pixel_values=model.pixels(found))
            )

    def _opened(self) -> VisionModel:
        if self._model is None:
            raise PluginError("clip reads before it is opened", fix="open it by `with`")
        return self._model


_KNOWN = ("clip", "siglip")
_NO_TEXT = Failure("neither a picture nor a text", "unsupported")


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        with quiet():
            found = AutoTokenizer.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True
            )
        # Without them transformers makes a tokenizer that knows no words, and says nothing.
        named = [*found.vocab_files_names.values(), "tokenizer.json"]
        if not any((folder / name).is_file() for name in named):
            raise FileNotFoundError(f"none of {', '.join(named)}")
    except (OSError, ValueError, KeyError) as error:
        raise AssetError(
            f"the tokenizer cannot be opened: {str(error).strip().partition(chr(10))[0]}",
            where=str(folder),
            fix="give the tokenizer's files beside the model's",
        ) from error
    return found


def _at_length_one(output: Any) -> NDArray[np.float32]:
    vectors: torch.Tensor = getattr(output, "pooler_output", output).double()
    lengths = vectors.norm(dim=-1, keepdim=True)
    scaled: NDArray[np.float32] = (vectors / lengths).float().cpu().numpy()
    return scaled
