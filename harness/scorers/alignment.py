"""Whether a picture shows what its prompt asked for, by a model that knows both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from harness.protocols import ColumnType, Control, Encoding, Mean, MetricDef, OfSet, Reference
from harness.records import Failure, Modality, Reading, Sample
from harness.scorers.compared import EncoderOptions
from harness.spec.model import Spec


class Alignment:
    """CLIP score of each picture with its prompt, and how often the right prompt is nearest.

    Source: Hessel et al., CLIPScore (2021), without its factor 2.5: 100 x max(cos, 0).
    """

    accepts: frozenset[Modality] = frozenset({"image"})
    requires: Sequence[str] = ("numpy",)
    weights: ClassVar[Mapping[str, str]] = {}
    controls: Sequence[Control] = ()
    references: ClassVar[Mapping[str, Reference]] = {}
    columns: ClassVar[Mapping[str, ColumnType]] = {
        "clip_score": "float",
        "image": "features",
        "image:prompt": "features",
    }
    caveat = (
        "The score of a picture depends on how its prompt is worded; compare arms on the same "
        "prompts. A prompt longer than the encoder's window has no score."
    )

    class Options(Spec):
        """The encoder of pictures and texts."""

        encoder: EncoderOptions

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = 4096

    @property
    def encoders(self) -> Mapping[str, Encoding]:
        """The encoder, for pictures and prompts."""
        return {"image": self._options.encoder.encoding(prompts=True)}

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """The mean score, and the share of pictures whose own prompt is the nearest of all."""
        label = self._options.encoder.label
        return {
            f"clip_score[{label}]": MetricDef(
                kind=Mean("clip_score", (0.0, 100.0)), unit="score", better="higher"
            ),
            f"retrieval_accuracy[{label}]": MetricDef(
                kind=OfSet(("image", "image:prompt"), _retrieved),
                unit="share",
                better="higher",
                n_min=2,
            ),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Score each picture against its prompt."""
        found: list[Reading | Failure] = []
        for sample in samples:
            cosine = float(sample.features["image"] @ sample.features["image:prompt"])
            found.append({"clip_score": min(100.0, 100.0 * max(0.0, cosine))})
        return found


def _retrieved(columns: Mapping[str, Any]) -> float | None:
    """The share of pictures that are nearest to their own prompt; None for one prompt alone."""
    import numpy as np

    pictures, prompts = np.asarray(columns["image"]), np.asarray(columns["image:prompt"])
    distinct, own = np.unique(prompts, axis=0, return_inverse=True)
    if len(distinct) < 2:
        return None
    nearest = (pictures @ distinct.T).argmax(axis=1)
    return float((nearest == own.reshape(-1)).mean())
