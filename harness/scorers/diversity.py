"""How much the outputs of a set repeat each other, word by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from pydantic import Field

from harness.metrics import ngrams
from harness.metrics.self_bleu import self_bleu
from harness.metrics.tokens import SEGMENTER, token_ids, words
from harness.protocols import ColumnType, Control, MetricDef, OfSet
from harness.records import Failure, Modality, Reading, Sample
from harness.spec.model import Spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.metrics.repeats import Doc
    from harness.protocols import Columns

_ORDERS = (1, 2, 3, 4)
_VERSION = f"1 {SEGMENTER}"


class Diversity:
    """Numbers the words of each output; its metrics compare the outputs of a set."""

    accepts: frozenset[Modality] = frozenset({"text"})
    requires: Sequence[str] = ("jieba",)
    columns: Mapping[str, ColumnType] = {"ids": "ints", "text": "text", "tokens": "int"}
    controls: Sequence[Control] = ()
    caveat = (
        "Every number here moves with how many outputs there are and how long they are: "
        "compare sets of one plan, or set `token_budget`. Words said otherwise count as new. "
        "Thai, Lao, Khmer and Japanese kana are not cut into words."
    )
    batch = 1024

    class Options(Spec):
        """What to add to the metrics that are always there.

        `token_budget`: also give `distinct_<n>@<budget>`, read from that many
        tokens of the set, the same for every generator however long it writes.
        """

        token_budget: Annotated[int, Field(ge=1)] | None = None

    def __init__(self, options: Options) -> None:
        self._options = options

    @property
    def weights(self) -> Mapping[str, str]:
        """None."""
        return {}

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Distinct-n, self-BLEU, self-repetition and compression of any subset of outputs."""
        budget = self._options.token_budget
        distinct = {f"distinct_{n}": _distinct(partial(_distinct_n, n=n)) for n in _ORDERS}
        within = {
            f"distinct_{n}@{budget}": _distinct(partial(_distinct_n_within, n=n, budget=budget))
            for n in _ORDERS
            if budget is not None
        }
        return {**distinct, **within, **_SHARED}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Cut each output into words and number them."""
        texts = [str(sample.media) for sample in samples]
        numbered = [token_ids(words(text)) for text in texts]
        return [
            {"ids": ids, "text": text, "tokens": len(ids)}
            for ids, text in zip(numbered, texts, strict=True)
        ]


def _distinct(function: Callable[[Columns], float | None]) -> MetricDef:
    return MetricDef(
        kind=OfSet(("ids",), function), unit="share", better="higher", version=_VERSION
    )


def _docs(columns: Columns) -> Sequence[Doc]:
    return cast("Sequence[Doc]", columns["ids"])


def _distinct_n(columns: Columns, n: int) -> float | None:
    return ngrams.distinct_n(_docs(columns), n)


def _distinct_n_within(columns: Columns, n: int, budget: int) -> float | None:
    return ngrams.distinct_n_within(_docs(columns), n, budget)


def _self_bleu(columns: Columns, n: int) -> float | None:
    return self_bleu(_docs(columns), n)


def _self_repetition(columns: Columns) -> float | None:
    return ngrams.self_repetition(_docs(columns))


def _compression_ratio(columns: Columns) -> float | None:
    return ngrams.compression_ratio(cast("Sequence[Any]", columns["text"]))


def _self_bleu_metric(n: int) -> MetricDef:
    kind = OfSet(("ids",), partial(_self_bleu, n=n))
    return MetricDef(kind=kind, unit="score", better="lower", n_min=2, version=_VERSION)


_SHARED: Mapping[str, MetricDef] = {
    "self_bleu": _self_bleu_metric(4),
    "self_bleu_2": _self_bleu_metric(2),
    "self_bleu_3": _self_bleu_metric(3),
    "self_repetition": MetricDef(
        kind=OfSet(("ids",), _self_repetition),
        unit="nats",
        better="lower",
        n_min=2,
        version=_VERSION,
    ),
    "compression_ratio": MetricDef(
        kind=OfSet(("text",), _compression_ratio), unit="ratio", better="lower"
    ),
}
