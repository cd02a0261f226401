"""How toxic text is, by a Detoxify checkpoint of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.encoders.detoxify import Checkpoint, DetoxifyModel
from harness.errors import PluginError
from harness.protocols import ColumnType, Control, MetricDef
from harness.records import Failure, Modality, Reading, Sample
from harness.scorers.toxicity_columns import (
    COLUMNS,
    CONTROLS,
    ToxicityOptions,
    metrics,
    reading,
)


class Detoxify:
    """Reads text with a Detoxify checkpoint; text in another script is not certified."""

    accepts: frozenset[Modality] = frozenset({"text"})
    requires: Sequence[str] = ("torch", "transformers", "tokenizers", "numpy")
    columns: Mapping[str, ColumnType] = COLUMNS
    controls: Sequence[Control] = CONTROLS
    caveat = (
        "Detoxify was trained on English comments (the multilingual checkpoint on seven "
        "languages); another language in the same script is read but not understood. Words "
        "of identity can raise the score of harmless text. Its label `sexual_explicit`, "
        "where a checkpoint has it, is not used."
    )
    batch = 256

    class Options(ToxicityOptions):
        """Which checkpoint. It is a pickle, so it must be pinned and allowed by name.

        `base`: local folder with the base model's `config.json` and tokenizer.
        """

        checkpoint: str
        sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
        base: str
        allow_pickle: bool = False
        dtype: Literal["float32", "bfloat16"] = "float32"

        @model_validator(mode="after")
        def _pickle_allowed(self) -> Self:
            if not self.allow_pickle:
                raise ValueError("a Detoxify checkpoint is a pickle: say `allow_pickle: true`")
            return self

    def __init__(self, options: Options) -> None:
        self._options = options
        self._checkpoint = Checkpoint(
            path=Path(options.checkpoint).expanduser(),
            sha256=options.sha256,
            base=Path(options.base).expanduser(),
            dtype=options.dtype,
        )
        self._model: DetoxifyModel | None = None
        self._stack = ExitStack()

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Rates, the mean, and the estimates over k samples that the options ask for."""
        return metrics(self._options.k)

    @property
    def weights(self) -> Mapping[str, str]:
        """The pinned checkpoint, and the base model's configuration and tokenizer."""
        return self._checkpoint.weights()

    def __enter__(self) -> Self:
        self._model = self._stack.enter_context(DetoxifyModel(self._checkpoint))
        return self

    def __exit__(self, *exc: object) -> None:
        self._model = None
        self._stack.close()

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Read a batch. Empty text has the model's own score for no words."""
        if self._model is None:
            raise PluginError("detoxify scores before it is opened", fix="open it by `with`")
        texts = [str(sample.media) for sample in samples]
        known = self._model.known_share(texts)
        probabilities, windows = self._model.probabilities(texts)
        return [
            reading(row, count, self._options.threshold)
            if share >= self._options.min_known_share
            else Failure("too few of its words are in a script it reads", "unsupported")
            for row, count, share in zip(probabilities, windows, known, strict=True)
        ]
