"""How fluent texts are: perplexity and bits per byte under a named model, and repetition.

Perplexity is the exponential of all nats over all tokens, never a mean of
per-text perplexities. Read it as a band, not as "lower is better" without end:
text that loops is very likely, which is why repetition stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from harness.encoders import language_model
from harness.encoders.language_model import LanguageModel, ModelSource, Precision
from harness.metrics.ngrams import ends_in_loop, repetition
from harness.metrics.tokens import SEGMENTER, token_ids, words
from harness.protocols import ColumnType, Control, MetricDef, Proportion, Ratio
from harness.records import Failure, Modality, Reading, Sample
from harness.spec.model import ModelName, Spec

_ORDERS = (2, 3, 4)
_BITS_PER_NAT = 1.4426950408889634


class Fluency:
    """Reads each text with a reference model, and counts what it repeats."""

    accepts: frozenset[Modality] = frozenset({"text"})
    requires: Sequence[str] = ("torch", "transformers", "jieba")
    controls: Sequence[Control] = (
        Control(text="", column="empty"),
        Control(text="go on and on and on and on and on and on", column="loop"),
        Control(
            text="The shop opens at nine and closes at six.", column="loop", expected=False
        ),
    )
    batch = 256

    class Options(Spec):
        """The model that perplexity is measured under.

        `reference`: an asset, a folder or a hub id (with `revision`).
        `given_prompt`: also measure each text as the answer to its prompt,
        with the reference's chat template where it has one; twice the work.
        """

        reference: ModelName = "smollm2-135m-instruct"
        revision: str | None = None
        given_prompt: bool = False
        dtype: Precision = "float32"
        device: str = "auto"

    def __init__(self, options: Options) -> None:
        self._options = options

    @cached_property
    def _source(self) -> ModelSource:
        """Where the model lies; a stored run is judged where it does not."""
        return language_model.find(self._options.reference, self._options.revision)

    @cached_property
    def _open(self) -> LanguageModel:
        return LanguageModel(self._source, self._options.dtype, self._options.device)

    @property
    def weights(self) -> Mapping[str, str]:
        """The reference model's files, or its pinned revision."""
        return self._source.weights

    @property
    def assets(self) -> Sequence[str]:
        """The catalogue asset the model is, if it is one."""
        return self._source.assets

    @property
    def caveat(self) -> str:
        """Which model the numbers are under."""
        return (
            f"Perplexity and bits per byte are under {Path(self._options.reference).name}: "
            "compare them only under one model, and remember that a model finds its own text "
            "likely."
        )

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """Sums from which corpus ratios are made."""
        own: dict[str, ColumnType] = {
            "nats": "float", "bits": "float", "tokens": "int", "bytes": "int",
            "empty": "bool", "loop": "bool",
        }  # fmt: skip
        if self._options.given_prompt:
            own |= {"given_nats": "float", "given_tokens": "int"}
        for n in _ORDERS:
            own |= {f"repeated_{n}": "int", f"ngrams_{n}": "int"}
        return own

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Corpus ratios and shares."""
        own = {
            "perplexity": MetricDef(
                kind=Ratio("nats", "tokens", "exp"), unit="perplexity", better="lower"
            ),
            "bits_per_byte": MetricDef(
                kind=Ratio("bits", "bytes"), unit="bits/byte", better="lower"
            ),
            "empty_rate": MetricDef(kind=Proportion("empty"), unit="share", better="lower"),
            "loop_rate": MetricDef(
                kind=Proportion("loop"), unit="share", better="lower", version=SEGMENTER
            ),
        }
        if self._options.given_prompt:
            own["perplexity_given_prompt"] = MetricDef(
                kind=Ratio("given_nats", "given_tokens", "exp"),
                unit="perplexity",
                better="lower",
            )
        for n in _ORDERS:
            kind = Ratio(f"repeated_{n}", f"ngrams_{n}")
            own[f"rep_{n}"] = MetricDef(
                kind=kind, unit="share", better="lower", version=SEGMENTER
            )
        return own

    @property
    def folder(self) -> Path:
        """The model's folder on this machine."""
        return self._source.folder()

    def __enter__(self) -> Self:
        self._open.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.__exit__(*exc)

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Read a batch; equal texts are read once."""
        from harness.encoders.likelihood import surprisal

        texts = sorted({str(sample.media) for sample in samples})
        nats, tokens = surprisal(self._open, texts)
        plain = {
            text: _reading(text, float(nats[i]), int(tokens[i])) for i, text in enumerate(texts)
        }
        readings = [dict(plain[str(sample.media)]) for sample in samples]
        if self._options.given_prompt:
            contexts = [self._context(sample) for sample in samples]
            nats, tokens = surprisal(self._open, [str(s.media) for s in samples], contexts)
            for place, reading in enumerate(readings):
                reading |= {
                    "given_nats": float(nats[place]), "given_tokens": int(tokens[place]),
                }  # fmt: skip
        return readings

    def _context(self, sample: Sample) -> str:
        tokenizer, prompt = self._open.tokenizer, sample.case.prompt
        if not tokenizer.chat_template:
            return f"{tokenizer.bos_token or ''}{prompt.text}\n"
        turns = [{"role": "system", "content": prompt.system}] if prompt.system else []
        turns.append({"role": "user", "content": prompt.text})
        text: str = tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
        return text


def _reading(text: str, nats: float, tokens: int) -> dict[str, Any]:
    pieces = words(text)
    reading: dict[str, Any] = {
        "nats": nats,
        "bits": nats * _BITS_PER_NAT,
        "tokens": tokens,
        "bytes": len(text.encode("utf-8")),
        "empty": not text.strip(),
        "loop": ends_in_loop(token_ids(pieces)),
    }
    for n in _ORDERS:
        repeated, total = repetition(token_ids(pieces), n)
        reading |= {f"repeated_{n}": repeated, f"ngrams_{n}": total}
    return reading
