"""The sampling parameters of transformers that the harness honours, and what each may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from harness import registry
from harness.errors import SpecError
from harness.generators.parameters import parameters
from harness.spec.model import Spec

_SAMPLED = (
    "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff",
)  # fmt: skip
_BEAM = ("length_penalty", "early_stopping")
_REFUSED = {
    "penalty_alpha": "contrastive search",
    "num_beam_groups": "group beam search",
    "diversity_penalty": "group beam search",
    "dola_layers": "DoLa decoding",
}

_Positive = Annotated[float, Field(gt=0)]
_ShareAboveZero = Annotated[float, Field(gt=0, le=1)]
_ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]


class Sampling(Spec):
    """One strategy's parameters; what is left out is transformers' default, or off."""

    do_sample: bool = False
    num_beams: Annotated[int, Field(ge=1)] = 1
    max_new_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: _Positive = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    top_p: _ShareAboveZero = 1.0
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    typical_p: _ShareAboveZero = 1.0
    epsilon_cutoff: _ShareBelowOne = 0.0
    eta_cutoff: _ShareBelowOne = 0.0
    repetition_penalty: _Positive = 1.0
    no_repeat_ngram_size: Annotated[int, Field(ge=0)] = 0
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False


def sampling(params: Mapping[str, Any]) -> Sampling:
    """Check a strategy's parameters.

    Raises:
        SpecError: One is unknown, out of range, would run remote code, or has
            no effect beside the others. All of a kind are told at once.
    """
    _known(params)
    # A key without a value (`top_k:`) is a slip, never a request for the default.
    read = parameters(Sampling, params)
    _effective(read)
    return read


def _known(params: Mapping[str, Any]) -> None:
    for name in params:
        if name in _REFUSED:
            raise SpecError(
                f"{_REFUSED[name]} ({name}) is remote code since transformers 5",
                fix="the harness runs no code from a model hub; choose another strategy",
            )
    unknown = [name for name in params if name not in Sampling.model_fields]
    if unknown:
        hints = [registry.suggest(name, Sampling.model_fields) for name in unknown]
        raise SpecError(
            f"no sampling parameter is called {', '.join(map(repr, unknown))}",
            fix=" ".join(filter(None, hints)) or f"one of {', '.join(Sampling.model_fields)}",
        )


def _effective(read: Sampling) -> None:
    given = read.model_fields_set
    idle = [name for name in _SAMPLED if name in given]
    if idle and not read.do_sample:
        raise SpecError(
            f"{', '.join(idle)} has no effect unless tokens are sampled",
            fix="add `do_sample: true`, or leave it out",
        )
    idle = [name for name in _BEAM if name in given]
    if idle and read.num_beams < 2:
        raise SpecError(f"{', '.join(idle)} has no effect without beams", fix="add `num_beams`")
