"""Text from any causal language model of transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from harness import registry
from harness.encoders import language_model
from harness.encoders.language_model import LanguageModel, Precision
from harness.errors import SpecError
from harness.records import Case, Failure, Generated, Modality
from harness.spec.model import Spec

if TYPE_CHECKING:
    from harness.generators.decoding import Decoded, Request
    from harness.generators.shortlist import Shortlist

_SAMPLING = (
    "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff",
)  # fmt: skip
_BEAM = ("length_penalty", "early_stopping")
_ANY = (
    "do_sample",
    "num_beams",
    "max_new_tokens",
    "repetition_penalty",
    "no_repeat_ngram_size",
)
_WARPED = {"temperature", "top_k", "top_p"}
_SHAPE = {"do_sample", "num_beams", "max_new_tokens", *_BEAM}
_REFUSED = {
    "penalty_alpha": "contrastive search",
    "num_beam_groups": "group beam search",
    "diversity_penalty": "group beam search",
    "dola_layers": "DoLa decoding",
}


class Transformers:
    """Generates with a local model; each case is sampled from its own seed."""

    modality: Modality = "text"
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("torch", "transformers")

    class Options(Spec):
        """The model and how it is run.

        `model`: an asset, a folder or a hub id (with `revision`). `chat`: use
        the model's chat template, `auto` where it has one. `system`: a system
        prompt for every case without one of its own. `dtype` auto: bfloat16
        where the GPU or CPU computes in it, else float32.
        """

        model: str
        revision: str | None = None
        chat: Literal["auto", "never"] = "auto"
        system: str | None = None
        dtype: Precision = "auto"
        device: str = "auto"
        batch: Annotated[int, Field(ge=1, le=4096)] = 32
        max_new_tokens: Annotated[int, Field(ge=1)] = 128

        @field_validator("model")
        @classmethod
        def _beside_the_suite(cls, value: str, info: ValidationInfo) -> str:
            folder: Path = (info.context or {}).get("base", Path()) / value
            return str(folder) if folder.is_dir() else value

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._source = language_model.find(options.model, options.revision)
        self._open = LanguageModel(self._source, options.dtype, options.device)

    @property
    def weights(self) -> Mapping[str, str]:
        """The model's files, or its pinned revision."""
        return self._source.weights

    @property
    def assets(self) -> Sequence[str]:
        """The catalogue asset the model is, if it is one."""
        return self._source.assets

    @property
    def folder(self) -> Path:
        """The model's folder on this machine."""
        return self._source.folder()

    def __enter__(self) -> Self:
        self._open.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.__exit__(*exc)

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse parameters that transformers would ignore, or run remote code for.

        Raises:
            SpecError: A parameter is unknown, refused, or has no effect beside the others.
        """
        for name in params:
            if name in _REFUSED:
                raise SpecError(
                    f"{_REFUSED[name]} ({name}) is remote code since transformers 5",
                    fix="the harness runs no code from a model hub; choose another strategy",
                )
            if name not in (*_ANY, *_SAMPLING, *_BEAM):
                hint = registry.suggest(name, (*_ANY, *_SAMPLING, *_BEAM))
                raise SpecError(f"no sampling parameter is called {name!r}", fix=hint)
        idle = [name for name in _SAMPLING if name in params and not params.get("do_sample")]
        if idle:
            raise SpecError(
                f"{', '.join(idle)} has no effect unless tokens are sampled",
                fix="add `do_sample: true`, or leave it out",
            )
        idle = [n for n in _BEAM if n in params and int(params.get("num_beams") or 1) < 2]
        if idle:
            raise SpecError(
                f"{', '.join(idle)} has no effect without beams", fix="add `num_beams`"
            )

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Answer a batch of cases that share one strategy.

        Cases that would decode alike (the same prompt, nothing sampled) are decoded once.
        """
        sampled = bool(cases[0].params.get("do_sample"))
        keys = [(c.prompt.text, c.prompt.system, c.seed if sampled else 0) for c in cases]
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        places = sorted(first.values())
        answers = dict(zip(places, self._decode([cases[i] for i in places]), strict=True))
        return [answers[first[key]] for key in keys]

    def _decode(self, cases: Sequence[Case]) -> list[Generated | Failure]:
        from harness.generators.decoding import decode

        tokenizer = self._open.tokenizer
        texts = [self._text(case) for case in cases]
        batch = tokenizer(
            [text for text, _ in texts],
            return_tensors="pt",
            padding=True,
            add_special_tokens=not texts[0][1],
        ).to(self._open.model.device)
        how = self._request(cases[0].params, batch["input_ids"].shape[1])
        seeds = [case.seed for case in cases]
        rows = decode(self._open.model, batch["input_ids"], batch["attention_mask"], seeds, how)
        return [self._answer(row) for row in rows]

    def _text(self, case: Case) -> tuple[str, bool]:
        """The text the model reads, and whether a chat template made it."""
        tokenizer, system = self._open.tokenizer, case.prompt.system or self._options.system
        if self._options.chat == "never" or not tokenizer.chat_template:
            return (f"{system}\n\n{case.prompt.text}" if system else case.prompt.text), False
        turns = [{"role": "system", "content": system}] if system else []
        turns.append({"role": "user", "content": case.prompt.text})
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return text, True

    def _request(self, params: Mapping[str, Any], width: int) -> Request:
        from harness.generators.decoding import Request

        longest = int(params.get("max_new_tokens") or self._options.max_new_tokens)
        if width + longest > self._open.window:
            raise SpecError(
                f"{width} prompt tokens and {longest} new ones exceed the model's window",
                where=f"{self._options.model}: {self._open.window} tokens",
                fix="lower max_new_tokens or shorten the prompts",
            )
        config = self._config(params, longest)
        stops = config.eos_token_id
        return Request(
            shortlist=self._shortlist(params, config, width),
            max_new_tokens=longest,
            stop_ids=frozenset([stops] if isinstance(stops, int) else stops or []),
            do_sample=bool(params.get("do_sample")),
            num_beams=int(params.get("num_beams") or 1),
            length_penalty=float(params.get("length_penalty", 1.0)),
            early_stopping=params.get("early_stopping", False),
        )

    def _shortlist(self, params: Mapping[str, Any], config: Any, width: int) -> Shortlist:
        from harness.generators.shortlist import Best, Processed, Warp

        beams = int(params.get("num_beams") or 1)
        others = params.keys() - _WARPED - _SHAPE
        if others:
            process = self._open.model._get_logits_processor(config, input_ids_seq_length=width)
            return Processed(process, normalise=beams > 1)
        if params.get("do_sample"):
            return Warp(
                temperature=float(params.get("temperature") or 1.0),
                top_k=int(params.get("top_k") or 0),
                top_p=float(params.get("top_p") or 1.0),
                normalise=beams > 1,
            )
        stops = config.eos_token_id
        ends = 1 if isinstance(stops, int) else len(stops or [])
        return Best(max(2, 1 + ends) * beams if beams > 1 else 1)

    def _config(self, params: Mapping[str, Any], longest: int) -> Any:
        from transformers import GenerationConfig

        own = self._open.model.generation_config
        wanted = dict(params) | {"max_new_tokens": longest}
        if wanted.get("do_sample"):
            neutral = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
            wanted = neutral | wanted
        stops = own.eos_token_id
        if stops is None:
            stops = self._open.tokenizer.eos_token_id
        config = GenerationConfig(eos_token_id=stops, **wanted)
        config._eos_token_tensor = None
        return config

    def _answer(self, row: Decoded) -> Generated:
        return Generated(
            media=self._open.tokenizer.decode(row.ids, skip_special_tokens=True).strip(),
            seconds=row.seconds,
            first_token_seconds=row.first_token_seconds,
            tokens=len(row.ids),
            finish="stop" if row.stopped else "length",
        )
