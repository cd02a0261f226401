"""How many pictures are copies of a picture the model was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Self

from pydantic import Field

from harness.assets.datasets import reference
from harness.metrics.nearest import nearest
from harness.protocols import (
    ColumnType,
    Control,
    Encoding,
    Mean,
    MetricDef,
    Proportion,
    Reference,
)
from harness.records import Failure, Modality, Reading, Sample
from harness.scorers.compared import Dataset, EncoderOptions
from harness.spec.model import Spec

_THRESHOLD = (
    "the Euclidean distance of the encoder's features under which an output is a copy: one "
    "that pictures which were not trained on hardly ever come under; score such pictures, by "
    "the generator `files`, and lower it until their `copy_rate` is about 0"
)


class Memorization:
    """The share of outputs whose nearest training image is nearer than a threshold.

    The search goes from each output to the training set, never the other way.
    """

    accepts: frozenset[Modality] = frozenset({"image"})
    requires: Sequence[str] = ("numpy",)
    weights: ClassVar[Mapping[str, str]] = {}
    controls: Sequence[Control] = (Control(column="copy", reference="training"),)
    columns: ClassVar[Mapping[str, ColumnType]] = {"copy": "bool", "distance": "float"}
    caveat = (
        "A copy is what the encoder sees as one: choose the threshold by how near held-out "
        "images come to the training set, and give the whole training set."
    )

    class Options(Spec):
        """The training set, the encoder that reads it, and how near is a copy."""

        training: Dataset
        encoder: EncoderOptions
        threshold: Annotated[float, Field(gt=0.0, description=_THRESHOLD)]

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = 4096

    @property
    def encoders(self) -> Mapping[str, Encoding]:
        """The encoder, for outputs and training images alike."""
        return {"image": self._options.encoder.encoding()}

    @property
    def references(self) -> Mapping[str, Reference]:
        """The training set."""
        return {"training": reference(self._options.training, "image")}

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """The share of copies, and the mean distance to the nearest training image."""
        bounds = (0.0, None)
        return {
            "copy_rate": MetricDef(kind=Proportion("copy"), unit="share", better="lower"),
            f"nearest_distance[{self._options.encoder.label}]": MetricDef(
                kind=Mean("distance", bounds), unit="distance", better="neither"
            ),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Find each picture's nearest training image."""
        import numpy as np

        if not samples:
            return []
        made = np.stack([sample.features["image"] for sample in samples])
        found = nearest(made, samples[0].references["training"])
        if found is None:
            return [Failure("the training set has no image that could be read")] * len(samples)
        return [
            {"copy": bool(one < self._options.threshold), "distance": float(one)}
            for one in found.distances
        ]
