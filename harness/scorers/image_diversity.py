"""How different the pictures of a set are from each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from harness.encoders.lpips import Lpips
from harness.metrics.nearest import near_duplicate_share, near_duplicate_share_without_each
from harness.metrics.pairwise import mean_cosine_distance, mean_squared_distance
from harness.metrics.vendi import vendi
from harness.protocols import (
    ColumnType,
    Control,
    Encoding,
    MetricDef,
    OfSet,
    PerPrompt,
    Reference,
)
from harness.records import Failure, Modality, Reading, Sample
from harness.scorers.compared import EncoderOptions
from harness.spec.model import Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ImageDiversity:
    """The Vendi score of the set, and how far the pictures of one prompt are apart."""

    accepts: frozenset[Modality] = frozenset({"image"})
    requires: Sequence[str] = ("numpy",)
    weights: ClassVar[Mapping[str, str]] = {}
    controls: Sequence[Control] = ()
    references: ClassVar[Mapping[str, Reference]] = {}
    caveat = (
        "The Vendi score and the rate of near duplicates grow with the number of pictures: "
        "compare equal n only."
    )

    class Options(Spec):
        """The encoder; and where LPIPS is wanted, the options of the encoder `lpips`.

        `threshold`: Euclidean distance of features, under which two pictures are near
        duplicates; without it they are not looked for.
        """

        encoder: EncoderOptions
        threshold: Annotated[float, Field(gt=0.0)] | None = None
        lpips: dict[str, Any] | None = None

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = 4096

    @property
    def encoders(self) -> Mapping[str, Encoding]:
        """The encoder, and that of LPIPS."""
        found = {"image": self._options.encoder.encoding()}
        lpips = self._options.lpips
        return found if lpips is None else {**found, "lpips": Encoding("lpips", lpips)}

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """The vectors of each encoder."""
        return dict.fromkeys(self.encoders, "features")

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """The score, from 1 (all alike) to their number; shares and distances of pictures."""
        label = self._options.encoder.label
        return {
            f"vendi[{label}]": MetricDef(
                kind=OfSet(("image",), _vendi), unit="pictures", better="higher", n_min=2
            ),
            f"duplicate_rate[{label}]": MetricDef(
                kind=OfSet(("image",), _duplicates), unit="share", better="lower", n_min=2
            ),
            **self._near_duplicates(label),
            **self._within_prompts(label),
        }

    def _near_duplicates(self, label: str) -> dict[str, MetricDef]:
        """The share of pictures that have another one nearer than the threshold."""
        threshold = self._options.threshold
        if threshold is None:
            return {}
        kind = OfSet(
            ("image",),
            partial(_near_duplicates, threshold=threshold),
            without=partial(_near_duplicates_without_each, threshold=threshold),
        )
        definition = MetricDef(kind=kind, unit="share", better="lower", n_min=2)
        return {f"near_duplicate_rate[{label}]": definition}

    def _within_prompts(self, label: str) -> dict[str, MetricDef]:
        """Mean distances between pictures of one prompt; a prompt with one has none."""
        found = {
            f"within_prompt_distance[{label}]": MetricDef(
                kind=PerPrompt("image", mean_cosine_distance, (0, 2)),
                unit="distance", better="higher", n_min=2,
            )
        }  # fmt: skip
        if self._options.lpips is not None:
            lpips = Lpips.Options.model_validate_json(json.dumps(self._options.lpips))
            found[f"lpips_within_prompt[{lpips.label}]"] = MetricDef(
                kind=PerPrompt("lpips", mean_squared_distance, (0, None)),
                unit="distance", better="higher", n_min=2,
            )  # fmt: skip
        return found

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


def _near_duplicates(columns: Mapping[str, Any], *, threshold: float) -> float | None:
    return near_duplicate_share(columns["image"], threshold)


def _near_duplicates_without_each(
    columns: Mapping[str, Any], group: NDArray[np.int64], *, threshold: float
) -> NDArray[np.float64] | None:
    return near_duplicate_share_without_each(columns["image"], threshold, group)


def _vendi(columns: Mapping[str, Any]) -> float | None:
    return vendi(columns["image"])
