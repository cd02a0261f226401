"""How long answers took and how many tokens came a second, as the engine measured them.

Times are wall times inside a batch: a case waits for its neighbours, as it
would in a batching server. They depend on the machine, so a resumed run repeats
every other number exactly, and these not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from harness.protocols import ColumnType, Control, MetricDef, Proportion, Quantile, Ratio
from harness.records import Failure, Modality, Reading, Sample
from harness.spec.model import Spec


class Latency:
    """Reads the times stored with each output; needs no model."""

    accepts: frozenset[Modality] = frozenset({"text", "image", "audio", "video"})
    requires: Sequence[str] = ()
    columns: Mapping[str, ColumnType] = {
        "seconds": "float", "first_token_seconds": "float", "tokens": "float",
        "token_seconds": "float", "busy_seconds": "float", "outputs": "int", "cut": "bool",
    }  # fmt: skip
    controls: Sequence[Control] = ()
    caveat = (
        "Times are of this machine and batch size; they are not repeated by a resumed run. "
        "Outputs of one batch share its time unless the generator tells each one's own: "
        "bounds take them for separate measurements, so those of few batches, above all an "
        "interval of no width, bound nothing. "
        "Where a generator does not say when the first token came, the time of the whole "
        "answer stands in for it: the true time is less."
    )
    batch = 4096

    class Options(Spec):
        """Nothing to choose."""

    def __init__(self, options: Options) -> None:
        self._options = options

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Quantiles of time, and throughput; tokens count where a generator counts them."""
        quantiles = {
            f"{stem}_p{round(q * 100)}": MetricDef(
                kind=Quantile(column, q), unit="s", better="lower"
            )
            for stem, column in (("seconds", "seconds"), ("first_token", "first_token_seconds"))
            for q in (0.5, 0.95, 0.99)
        }
        return quantiles | {
            "tokens_per_second": MetricDef(
                kind=Ratio("tokens", "token_seconds"), unit="tokens/s", better="higher"
            ),
            "outputs_per_second": MetricDef(
                kind=Ratio("outputs", "busy_seconds"), unit="outputs/s", better="higher"
            ),
            "cut_rate": MetricDef(kind=Proportion("cut"), unit="share", better="lower"),
        }

    @property
    def weights(self) -> Mapping[str, str]:
        """None."""
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Copy the times of a batch; where the first token's is unknown, it is the whole."""
        return [_reading(sample) for sample in samples]


def _reading(sample: Sample) -> Reading | Failure:
    output = sample.output
    if output.seconds is None or output.batch_seconds is None or not output.batch_size:
        return Failure("the output was stored without times")
    first, busy = output.first_token_seconds, output.batch_seconds / output.batch_size
    return {
        "seconds": output.seconds,
        "first_token_seconds": output.seconds if first is None else first,
        "tokens": float(output.tokens or 0),
        "token_seconds": 0.0 if output.tokens is None else busy,
        "busy_seconds": busy,
        "outputs": 1,
        "cut": output.finish == "length",
    }
