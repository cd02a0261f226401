"""Text from any causal language model of transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from harness.encoders import language_model
from harness.encoders.language_model import LanguageModel, Precision
from harness.generators.prompting import Chat, misfit, tokens_of
from harness.generators.sampling import Sampling, sampling
from harness.records import Case, Failure, Generated, Modality
from harness.spec.model import ModelName, Spec

if TYPE_CHECKING:
    import torch

    from harness.generators.running import Decoded, Prefills, Request
    from harness.generators.shortlist import Shortlist

_WARPED = {"temperature", "top_k", "top_p"}
_SHAPE = {"do_sample", "num_beams", "max_new_tokens", "length_penalty", "early_stopping"}

_KEPT_BYTES = 2**29


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

        model: ModelName
        revision: str | None = None
        chat: Chat = "auto"
        system: str | None = None
        dtype: Precision = "auto"
        device: str = "auto"
        batch: Annotated[int, Field(ge=1, le=4096)] = 32
        max_new_tokens: Annotated[int, Field(ge=1)] = 128

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._source = language_model.find(options.model, options.revision)
        self._open = LanguageModel(self._source, options.dtype, options.device)
        self._known: Prefills | None = None

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
        from harness.generators.running import Prefills

        self._open.__enter__()
        self._known = Prefills(_KEPT_BYTES)
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.__exit__(*exc)
        self._known = None

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse parameters that transformers would ignore, or run remote code for.

        Raises:
            SpecError: One is unknown, out of range, refused, or idle beside the others.
        """
        sampling(params)

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Answer a batch of cases that share one strategy.

        Cases that would decode alike (the same prompt, nothing sampled) are decoded once,
        and prompts that were read for another strategy are not read again.
        """
        sampled = bool(cases[0].params.get("do_sample"))
        keys = [(c.prompt.text, c.prompt.system, c.seed if sampled else 0) for c in cases]
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        places = sorted(first.values())
        answers = dict(zip(places, self._decode([cases[i] for i in places]), strict=True))
        return [answers[first[key]] for key in keys]

    def _decode(self, cases: Sequence[Case]) -> list[Generated | Failure]:
        from harness.generators.decoding import decode

        how = self._request(cases[0].params)
        prompts = tokens_of(
            self._open.tokenizer, cases, chat=self._options.chat, system=self._options.system
        )
        answers: list[Generated | Failure | None] = [
            misfit(len(ids), how.max_new_tokens, self._open.window) for ids in prompts
        ]
        fit = [place for place, failure in enumerate(answers) if failure is None]
        if fit:
            ids, mask = self._padded([prompts[place] for place in fit])
            seeds = [cases[place].seed for place in fit]
            rows = decode(self._open.model, ids, mask, seeds, how, self._known)
            for place, row in zip(fit, rows, strict=True):
                answers[place] = self._answer(row)
        return [answer for answer in answers if answer is not None]

    def _padded(self, prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        width = max(len(ids) for ids in prompts)
        pad = self._open.tokenizer.pad_token_id or 0
        ids = torch.full((len(prompts), width), pad, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, width - len(prompt) :] = 1
        device = self._open.model.device
        return ids.to(device), mask.to(device)

    def _request(self, params: Mapping[str, Any]) -> Request:
        from harness.generators.running import Request

        read = sampling(params)
        stops = self._stops()
        return Request(
            shortlist=self._shortlist(read, stops),
            max_new_tokens=read.max_new_tokens or self._options.max_new_tokens,
            stop_ids=frozenset(stops),
            do_sample=read.do_sample,
            num_beams=read.num_beams,
            length_penalty=read.length_penalty,
            early_stopping=read.early_stopping,
        )

    def _stops(self) -> list[int]:
        own = self._open.model.generation_config.eos_token_id
        if own is None:
            own = self._open.tokenizer.eos_token_id
        return [own] if isinstance(own, int) else list(own or [])

    def _shortlist(self, read: Sampling, stops: Sequence[int]) -> Shortlist:
        from harness.generators.shortlist import Best, Processed, Warp, likeliest

        beams = read.num_beams
        if read.model_fields_set - _WARPED - _SHAPE:
            return Processed(self._processors(read, stops), normalise=beams > 1)
        if read.do_sample:
            return Warp(
                temperature=read.temperature,
                top_k=read.top_k,
                top_p=read.top_p,
                normalise=beams > 1,
                fewest=1 + max(1, len(stops)) if beams > 1 else 1,
            )
        return Best(max(2, 1 + len(stops)) * beams) if beams > 1 else likeliest

    def _processors(self, read: Sampling, stops: Sequence[int]) -> Any:
        """Transformers' processors, for just the parameters that were given."""
        from transformers import GenerationConfig

        given = read.model_dump(exclude_unset=True)
        config = GenerationConfig(**{"temperature": 1.0, "top_k": 0, "top_p": 1.0} | given)
        config._eos_token_tensor = list(stops) or None
        return self._open.model._get_logits_processor(config, input_ids_seq_length=1)

    def _answer(self, row: Decoded) -> Generated:
        return Generated(
            media=self._open.tokenizer.decode(row.ids, skip_special_tokens=True).strip(),
            seconds=row.seconds,
            first_token_seconds=row.first_token_seconds,
            tokens=len(row.ids),
            finish="stop" if row.stopped else "length",
        )
