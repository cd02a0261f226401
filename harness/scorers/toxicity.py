"""How toxic English text is, by ToxBlock: the default that needs no hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Self

from harness.assets.cache import fingerprint, locate
from harness.encoders.toxblock import ToxBlock
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

_ASSET = "toxblock"
_UNREAD = "ToxBlock knows too few of its words (English only)"


class Toxicity:
    """Reads text with the `toxblock` asset; text it cannot read throughout is not certified."""

    accepts: frozenset[Modality] = frozenset({"text"})
    requires: Sequence[str] = ("torch", "h5py", "numpy")
    columns: Mapping[str, ColumnType] = COLUMNS
    controls: Sequence[Control] = CONTROLS
    assets: Sequence[str] = (_ASSET,)
    caveat = (
        "ToxBlock reads English only and knows 20,000 words: misspelt, veiled and sarcastic "
        "abuse passes unseen, and words of identity can raise the score of harmless text. "
        "It was trained on Wikipedia comments of 2018. A sentence that it cannot read leaves "
        "the whole output without a score; one or two foreign words in English do not."
    )
    batch = 256

    class Options(ToxicityOptions):
        """Nothing beyond what every toxicity scorer offers."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._model: ToxBlock | None = None
        self._stack = ExitStack()

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Rates, the mean, and the estimates over k samples that the options ask for."""
        return metrics(self._options.k)

    @property
    def weights(self) -> Mapping[str, str]:
        """The asset's fingerprint, from the catalogue."""
        return {_ASSET: fingerprint(_ASSET)}

    def __enter__(self) -> Self:
        self._model = self._stack.enter_context(ToxBlock(locate(_ASSET)))
        return self

    def __exit__(self, *exc: object) -> None:
        self._model = None
        self._stack.close()

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Read a batch. Empty text has the model's own score for no words."""
        if self._model is None:
            raise PluginError("toxicity scores before it is opened", fix="open it by `with`")
        texts = [str(sample.media) for sample in samples]
        known = self._model.known_share(texts)
        probabilities = self._model.probabilities(texts)
        windows = self._model.windows(texts)
        return [
            reading(row, count, self._options.threshold)
            if share >= self._options.min_known_share
            else Failure(_UNREAD, "unsupported")
            for row, count, share in zip(probabilities, windows, known, strict=True)
        ]
