"""Sampling parameters are checked before anything is generated."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import SpecError
from harness.generators.sampling import Sampling, sampling


def refusal(**params: Any) -> str:
    with pytest.raises(SpecError) as caught:
        sampling(params)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("top_p", [0, 0.0, 1.5, -0.1, "0.9", None, True, float("nan")]),
        ("temperature", [0, 0.0, -1, "warm", None, float("inf")]),
        ("top_k", [-1, 2.5, "50", None, True]),
        ("min_p", [-0.1, 1.1]),
        ("typical_p", [0, 1.1]),
        ("epsilon_cutoff", [-0.1, 1]),
        ("eta_cutoff", [-0.1, 1]),
        ("repetition_penalty", [0, -1, "1.2"]),
        ("no_repeat_ngram_size", [-1, 1.5]),
        ("num_beams", [0, -2, 2.5, "4", None]),
        ("max_new_tokens", [0, -1, 1.5, "8"]),
        ("do_sample", [1, "yes", 0]),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, values: list[Any]) -> None:
    for value in values:
        told = refusal(**({"do_sample": True} | {name: value}))
        assert told.startswith(f"{name}: ")
        assert f"{name}: {value!r}" in told


@pytest.mark.parametrize(
    ("name", "value"), [("length_penalty", "long"), ("early_stopping", "always")]
)
def test_a_beam_parameter_that_is_not_one_is_refused(name: str, value: Any) -> None:
    assert refusal(num_beams=4, **{name: value}).startswith(name)


def test_all_values_out_of_range_are_told_at_once() -> None:
    told = refusal(do_sample=True, top_p=1.5, temperature=0)
    assert "top_p: " in told
    assert "temperature: " in told


def test_an_unknown_parameter_gets_a_did_you_mean() -> None:
    assert "did you mean 'temperature'?" in refusal(do_sample=True, temprature=0.7)
    assert "one of do_sample, num_beams" in refusal(zzz=1)


@pytest.mark.parametrize(
    "name", ["penalty_alpha", "num_beam_groups", "diversity_penalty", "dola_layers"]
)
def test_a_strategy_that_is_remote_code_is_refused(name: str) -> None:
    assert "remote code" in refusal(**{name: 0.5})


@pytest.mark.parametrize(
    "name", ["temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff"]
)
def test_a_parameter_of_sampling_is_idle_without_sampling(name: str) -> None:
    value = 5 if name == "top_k" else 0.5
    assert f"{name} has no effect unless tokens are sampled" in refusal(**{name: value})
    assert sampling({"do_sample": True, name: value}).model_fields_set == {"do_sample", name}


@pytest.mark.parametrize(
    ("name", "value"), [("length_penalty", 2), ("early_stopping", "never")]
)
def test_a_parameter_of_beams_is_idle_without_beams(name: str, value: Any) -> None:
    assert f"{name} has no effect without beams" in refusal(**{name: value})
    assert getattr(sampling({"num_beams": 2, name: value}), name) == value


def test_nothing_given_is_greedy_search() -> None:
    assert sampling({}) == Sampling()
    assert not Sampling().do_sample


def test_whole_numbers_stand_for_real_ones() -> None:
    read = sampling({"do_sample": True, "temperature": 1, "top_p": 1, "repetition_penalty": 2})
    assert (read.temperature, read.top_p, read.repetition_penalty) == (1.0, 1.0, 2.0)
