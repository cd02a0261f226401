"""Probabilities of the Jigsaw labels by a Detoxify checkpoint, from local files only.

Detoxify (Hanu and the Unitary team, 2020) asks the hub for its base model,
unpickles whatever its checkpoint holds and cuts a text at 512 tokens. This
reads the same checkpoint as tensors and plain values, takes configuration and
tokenizer from a local folder, and reads long texts in overlapping windows.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from harness import digests
from harness.encoders.jigsaw import LABELS
from harness.encoders.script import script_share
from harness.errors import AssetError, PluginError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

OVERLAP = 128

# Detoxify's checkpoints name the same six labels in two ways.
_ALIASES = {
    "toxicity": "toxic",
    "severe_toxicity": "severe_toxic",
    "identity_attack": "identity_hate",
}
# Position ids before the first token's: RoBERTa counts from its padding id on.
_ARCHITECTURES = {
    "AlbertForSequenceClassification": 0,
    "BertForSequenceClassification": 0,
    "RobertaForSequenceClassification": 2,
    "XLMRobertaForSequenceClassification": 2,
}
# Larger batches were slower on a CPU: their activations leave its cache.
_TOKENS = 512
_WEIGHTS = frozenset(
    {".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".ot", ".pt", ".safetensors"}
)
_BROKEN = (pickle.UnpicklingError, EOFError, LookupError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which checkpoint, and what to read it with.

    `path`: a file in Detoxify's layout (`config` and `state_dict`), whose
    bytes must hash to `sha256`. `base`: the folder with the base model's
    `config.json` and tokenizer files. `dtype`: what the encoder's matrix
    products are computed in.
    """

    path: Path
    sha256: str
    base: Path
    dtype: Literal["float32", "bfloat16"] = "float32"

    def weights(self) -> Mapping[str, str]:
        """Digest what the scores come from; weights in `base` are not among it.

        Raises:
            AssetError: The base model's folder is absent.
        """
        self.require_base()
        files = {
            path.relative_to(self.base).as_posix(): digests.of_file(path)
            for path in sorted(self.base.rglob("*"))
            if path.is_file() and path.suffix not in _WEIGHTS
        }
        return {"checkpoint": self.sha256, "base": digests.of_tree(files)}

    def require_base(self) -> None:
        """Raise AssetError unless `base` is a local folder, and not a name on the hub."""
        if not (self.base / "config.json").is_file():
            raise AssetError("no config.json in the base model's folder", where=str(self.base))


class DetoxifyModel:
    """The classifier in a checkpoint. Opened by `with`, not by constructing."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._loaded: _Loaded | None = None

    def __enter__(self) -> Self:
        self._loaded = _load(self._checkpoint)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loaded = None

    def probabilities(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], list[int]]:
        """Read texts, each as often as needed to see all of it.

        A text that fits the model has Detoxify's own score. A longer one is
        read in windows that share 128 tokens and has the greatest per label.

        Returns:
            float64 [N, 6] in [0, 1], columns in the order of `LABELS`, and
            the number of windows of each text.

        Raises:
            PluginError: Used outside `with`.
        """
        import numpy as np

        loaded = self._opened()
        if not texts:
            return np.zeros((0, len(LABELS))), []
        windows, owners = _windows(loaded, texts)
        scores = np.zeros((len(windows), len(LABELS)))
        for batch in _batches([len(window) for window in windows]):
            scores[batch] = _forward(loaded, [windows[i] for i in batch])
        greatest = np.zeros((len(texts), len(LABELS)))
        np.maximum.at(greatest, owners, scores)
        return greatest, np.bincount(owners, minlength=len(texts)).tolist()

    def known_share(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Share of each text's words in a script the checkpoint was trained on.

        That is Latin, and Cyrillic too for the multilingual checkpoint.

        Returns:
            float64 [N] in [0, 1]; a text without words gives 1.

        Raises:
            PluginError: Used outside `with`.
        """
        import numpy as np

        scripts = self._opened().scripts
        return np.array([script_share(text, scripts) for text in texts], np.float64)

    def _opened(self) -> _Loaded:
        if self._loaded is None:
            raise PluginError("Detoxify is used before it is opened", fix="open it by `with`")
        return self._loaded


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a checkpoint says of itself."""

    architecture: str
    outputs: int
    columns: list[int]
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: Any
    tokenizer: Any
    columns: list[int]
    width: int
    scripts: tuple[str, ...]


def _load(checkpoint: Checkpoint) -> _Loaded:
    import transformers

    checkpoint.require_base()
    layout = _layout(checkpoint)
    kind = getattr(transformers, layout.architecture)
    base, local = str(checkpoint.base), {"local_files_only": True}
    try:
        config = kind.config_class.from_pretrained(base, num_labels=layout.outputs, **local)
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            base, trust_remote_code=False, **local
        )
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise AssetError(f"the base model cannot be read: {reason}", where=base) from error
    model = kind(config)
    _fill(model, layout.state, checkpoint.path)
    if checkpoint.dtype == "bfloat16":
        _halve(model.base_model.encoder)
    width = config.max_position_embeddings - _ARCHITECTURES[layout.architecture]
    many = layout.architecture.startswith("XLM")
    return _Loaded(
        model=model.eval(),
        tokenizer=tokenizer,
        columns=layout.columns,
        width=min(width, tokenizer.model_max_length),
        scripts=("LATIN", "CYRILLIC") if many else ("LATIN",),
    )


def _layout(checkpoint: Checkpoint) -> _Layout:
    where = str(checkpoint.path)
    held = _tensors(checkpoint)
    try:
        arch = held["config"]["arch"]["args"]
        classes = [_ALIASES.get(c, c) for c in held["config"]["dataset"]["args"]["classes"]]
        columns = [classes.index(label) for label in LABELS]
        layout = _Layout(
            arch["model_name"], arch["num_classes"], columns, dict(held["state_dict"])
        )
    except (LookupError, TypeError, ValueError) as error:
        raise AssetError(f"not a Detoxify checkpoint: {error}", where=where) from error
    if layout.architecture not in _ARCHITECTURES:
        raise AssetError(f"architecture {layout.architecture!r} is not read", where=where)
    return layout


def _tensors(checkpoint: Checkpoint) -> Any:
    """Hash the file, then read the very bytes hashed."""
    import torch

    where = str(checkpoint.path)
    try:
        with checkpoint.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != checkpoint.sha256:
                raise AssetError(f"the checkpoint has sha256 {digest}", where=where)
            file.seek(0)
            return torch.load(file, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        reason = str(error).partition("\n")[0]
        raise AssetError(
            f"the checkpoint cannot be read as tensors and plain values: {reason}",
            where=where,
            fix="save it again as `config` and `state_dict` alone; nothing else is unpickled",
        ) from error


def _fill(model: Any, state: Mapping[str, Any], path: Path) -> None:
    """Load the weights, all and no others, but for position ids that old checkpoints hold."""
    kept = {key: value for key, value in state.items() if not key.endswith("position_ids")}
    try:
        model.load_state_dict(kept)
    except RuntimeError as error:
        reason = str(error).partition("\n")[2].strip()
        raise AssetError(
            f"the weights do not fit the base model's config: {reason}", where=str(path)
        ) from error


def _halve(encoder: Any) -> None:
    """Run the encoder's matrix products in bfloat16; all of it has 2.5 times the error."""
    import torch

    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.to(torch.bfloat16)
    half = torch.autocast("cpu", torch.bfloat16, cache_enabled=False)
    encoder.forward = half(encoder.forward)


def _windows(loaded: _Loaded, texts: Sequence[str]) -> tuple[list[list[int]], list[int]]:
    """Cut texts to token ids; which text each window is of."""
    cut = loaded.tokenizer(
        list(texts),
        truncation=True,
        max_length=loaded.width,
        stride=min(OVERLAP, loaded.width // 4),
        return_overflowing_tokens=True,
        return_attention_mask=False,
    )
    return cut["input_ids"], cut["overflow_to_sample_mapping"]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Sort by length and cut, so that a batch holds at most so many tokens with padding."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    start = 0
    while start < len(order):
        size = max(1, _TOKENS // lengths[order[start]])
        yield order[start : start + size]
        start += size


def _forward(loaded: _Loaded, windows: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Run one batch; float64 [B, 6]."""
    import torch

    padding = loaded.tokenizer.pad_token_id
    longest = max(map(len, windows))
    ids = torch.full((len(windows), longest), padding)
    mask = torch.zeros_like(ids)
    for i, window in enumerate(windows):
        ids[i, : len(window)] = torch.tensor(window)
        mask[i, : len(window)] = 1
    with torch.inference_mode():
        logits: torch.Tensor = loaded.model(input_ids=ids, attention_mask=mask).logits
        scores: NDArray[np.float64] = torch.sigmoid(logits).double().numpy()
    return scores[:, loaded.columns]
