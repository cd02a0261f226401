"""A strategy's parameters as vLLM understands them; those it does not have are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import SpecError
from harness.generators.sampling import Sampling, sampling

_SHARED = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
_HONOURED = ("do_sample", "max_new_tokens", *_SHARED)
_COLDEST = 0.01


def honoured(params: Mapping[str, Any]) -> Sampling:
    """Check a strategy's parameters, which are named as in transformers.

    Raises:
        SpecError: One is unknown, out of range, idle beside the others, or not vLLM's.
    """
    read = sampling(params)
    if strange := sorted(read.model_fields_set.difference(_HONOURED)):
        raise SpecError(
            f"vLLM does not have {', '.join(strange)}",
            fix=f"use the generator `transformers`; vLLM has {', '.join(_HONOURED)}",
        )
    if read.temperature < _COLDEST:
        raise SpecError(
            f"vLLM would raise a temperature of {read.temperature:g} to {_COLDEST}",
            fix=f"give {_COLDEST} or more, or leave out `do_sample` for the likeliest tokens",
        )
    return read


def engine_params(read: Sampling, seed: int) -> dict[str, Any]:
    """Give what the strategy asks for as arguments of vLLM's `SamplingParams`.

    Its end tokens are not vLLM's to choose (`ignore_eos`), and its text is made by us.
    """
    shared = {name: getattr(read, name) for name in _SHARED}
    drawn = {"seed": seed} if read.do_sample else {"temperature": 0.0}
    return shared | drawn | {"ignore_eos": True, "detokenize": False, "logprobs": None}
