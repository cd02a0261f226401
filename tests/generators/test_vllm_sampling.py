"""Parameters reach vLLM under its own names, and those it lacks never do."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from harness.errors import SpecError
from harness.generators.sampling import Sampling
from harness.generators.vllm_sampling import engine_params, honoured

HONOURED = {
    "do_sample": True,
    "max_new_tokens": 5,
    "temperature": 0.7,
    "top_k": 4,
    "top_p": 0.9,
    "min_p": 0.1,
    "repetition_penalty": 1.2,
}


def test_all_parameters_of_vllm_are_taken() -> None:
    assert honoured(HONOURED).model_dump(exclude_unset=True) == HONOURED


@pytest.mark.parametrize("name", sorted(Sampling.model_fields.keys() - HONOURED))
def test_every_other_parameter_is_refused_by_name(name: str) -> None:
    values: dict[str, Any] = {"num_beams": 2, "no_repeat_ngram_size": 2}
    params = {"do_sample": True, "num_beams": 2, name: values.get(name, 0.5)}
    if name == "early_stopping":
        params[name] = True
    with pytest.raises(SpecError, match=rf"vLLM does not have .*{name}") as refused:
        honoured(params)
    assert "transformers" in refused.value.fix


def test_unknown_and_idle_parameters_are_refused_as_for_transformers() -> None:
    with pytest.raises(SpecError, match="no sampling parameter is called 'topp'"):
        honoured({"do_sample": True, "topp": 0.9})
    with pytest.raises(SpecError, match="has no effect unless tokens are sampled"):
        honoured({"top_p": 0.9})


def test_a_temperature_that_vllm_would_change_is_refused() -> None:
    with pytest.raises(SpecError, match=r"would raise a temperature of 0\.005 to 0\.01"):
        honoured({"do_sample": True, "temperature": 0.005})
    honoured({"do_sample": True, "temperature": 0.01})


def test_a_sample_brings_its_seed() -> None:
    given = engine_params(honoured(HONOURED), 2**63 - 1)
    wanted = {
        name: HONOURED[name] for name in HONOURED if name not in {"do_sample", "max_new_tokens"}
    }
    assert given.items() >= (wanted | {"seed": 2**63 - 1}).items()


def test_without_sampling_the_likeliest_token_is_taken() -> None:
    given = engine_params(honoured({"repetition_penalty": 1.3}), 7)
    assert given["temperature"] == 0.0
    assert given["repetition_penalty"] == 1.3
    assert "seed" not in given


@pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")
@pytest.mark.filterwarnings("default")
def test_vllm_takes_them_and_changes_none() -> None:
    from vllm import SamplingParams

    for params in (HONOURED, {}):
        given = engine_params(honoured(params), 11)
        taken = SamplingParams(**given)
        assert {name: getattr(taken, name) for name in given} == given
