"""How long answers are, in words: the smallest scorer, to read first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from harness.protocols import ColumnType, Control, Mean, MetricDef, Proportion
from harness.records import Failure, Modality, Reading, Sample
from harness.spec.model import Spec


class Length:
    """Counts words split at white space."""

    accepts: frozenset[Modality] = frozenset({"text"})
    requires: Sequence[str] = ()
    columns: Mapping[str, ColumnType] = {"words": "float", "empty": "bool"}
    metrics: Mapping[str, MetricDef] = {
        "words": MetricDef(kind=Mean("words", (0, None)), unit="words", better="neither"),
        "empty_rate": MetricDef(kind=Proportion("empty"), unit="share", better="lower"),
    }
    controls: Sequence[Control] = (Control(text=" \n", column="empty"),)
    caveat = ""
    batch = 1024

    class Options(Spec):
        """Nothing to choose."""

    def __init__(self, options: Options) -> None:
        self._options = options

    @property
    def weights(self) -> Mapping[str, str]:
        """None."""
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Count the words of a batch."""
        counts = [len(str(sample.media).split()) for sample in samples]
        return [{"words": float(count), "empty": count == 0} for count in counts]
