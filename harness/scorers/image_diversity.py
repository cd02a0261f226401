"""How different the pictures of a set are from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from harness.metrics.vendi import vendi
from harness.protocols import ColumnType, Control, Encoding, MetricDef, OfSet, Reference
from harness.records import Failure, Modality, Reading, Sample
from harness.scorers.compared import EncoderOptions
from harness.spec.model import Spec


class ImageDiversity:
    """The Vendi score: how many wholly different pictures the set is worth."""

    accepts: frozenset[Modality] = frozenset({"image"})
    requires: Sequence[str] = ("numpy",)
    weights: ClassVar[Mapping[str, str]] = {}
    controls: Sequence[Control] = ()
    references: ClassVar[Mapping[str, Reference]] = {}
    columns: ClassVar[Mapping[str, ColumnType]] = {"image": "features"}
    caveat = "The Vendi score grows with the number of pictures: compare equal n only."

    class Options(Spec):
        """The encoder."""

        encoder: EncoderOptions

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = 4096

    @property
    def encoders(self) -> Mapping[str, Encoding]:
        """The encoder."""
        return {"image": self._options.encoder.encoding()}

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """The score, from 1 (all alike) to their number, and the share that equal another."""
        label = self._options.encoder.label
        return {
            f"vendi[{label}]": MetricDef(
                kind=OfSet(("image",), _vendi), unit="pictures", better="higher", n_min=2
            ),
            f"duplicate_rate[{label}]": MetricDef(
                kind=OfSet(("image",), _duplicates), unit="share", better="lower", n_min=2
            ),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Note that a picture's features are there; the number is of the set."""
        return [{} for _ in samples]


def _duplicates(columns: Mapping[str, Any]) -> float | None:
    """The share of pictures whose features another picture has too, to the last digit."""
    import numpy as np

    _, counts = np.unique(columns["image"], axis=0, return_counts=True)
    return float(counts[counts > 1].sum() / counts.sum())


def _vendi(columns: Mapping[str, Any]) -> float | None:
    return vendi(columns["image"])
