"""A diffusion strategy's parameters are checked before anything is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import SpecError
from harness.generators.denoising import Denoising, denoising
from harness.generators.pipelines import Index
from harness.generators.schedulers import SCHEDULERS


def index(
    pipeline: str = "StableDiffusionPipeline",
    scheduler: str = "DDIMScheduler",
    steps: int = 1000,
) -> Index:
    return Index(pipeline, {"scheduler": ("diffusers", scheduler)}, steps)


def refusal(of: Index | None = None, **params: Any) -> str:
    with pytest.raises(SpecError) as caught:
        denoising(params, of or index())
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("steps", [0, -1, 2.5, "20", True]),
        ("guidance", [-0.1, "high", float("nan"), float("inf")]),
        ("height", [0, 4, 33, 64.0, 1 << 20]),
        ("width", [0, 4, 33, "64"]),
        ("eta", [-0.1, 1.1, "x"]),
        ("negative_prompt", [3, ["bad"]]),
        ("scheduler", [3]),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, values: list[Any]) -> None:
    for value in values:
        told = refusal(**{name: value})
        assert told.startswith(f"{name}: ")
        assert f"{name}: {value!r}" in told


@pytest.mark.parametrize("name", Denoising.model_fields)
def test_a_parameter_without_a_value_is_a_slip(name: str) -> None:
    assert f"{name}: has no value" in refusal(**{name: None})


def test_all_values_out_of_range_are_told_at_once() -> None:
    told = refusal(steps=0, eta=2)
    assert "steps: " in told
    assert "eta: " in told


def test_an_unknown_name_gets_a_did_you_mean() -> None:
    assert "did you mean 'guidance'?" in refusal(guidance_scale=7.5)
    assert "did you mean 'steps'?" in refusal(step=20)
    assert "one of scheduler, steps" in refusal(zzz=1)
    assert "did you mean 'dpm-solver++'?" in refusal(scheduler="dpm-solver")
    assert "one of ddpm, ddim" in refusal(scheduler="zzz")


@pytest.mark.parametrize(
    ("name", "value"),
    [("guidance", 2.0), ("negative_prompt", "bad"), ("height", 64), ("width", 64)],
)
def test_what_concerns_a_text_does_not_fit_a_pipeline_without_one(
    name: str, value: Any
) -> None:
    for pipeline in ("DDPMPipeline", "DDIMPipeline"):
        assert f"{name} does not fit {pipeline}" in refusal(index(pipeline), **{name: value})


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_fits_the_models_it_was_made_for(name: str) -> None:
    flow = index("FluxPipeline", "FlowMatchEulerDiscreteScheduler")
    assert "does not fit a model made for FlowMatch" in refusal(flow, scheduler=name)
    of = index(scheduler="LCMScheduler" if name == "lcm" else "PNDMScheduler")
    assert denoising({"scheduler": name}, of).scheduler == name
    other = index(scheduler="PNDMScheduler" if name == "lcm" else "LCMScheduler")
    assert f"{name} does not fit a model made for" in refusal(other, scheduler=name)


def test_more_steps_than_noise_levels_are_refused() -> None:
    assert "101 steps exceed the 100 noise levels" in refusal(index(steps=100), steps=101)
    assert denoising({"steps": 100}, index(steps=100)).steps == 100


def test_a_negative_prompt_is_idle_without_guidance() -> None:
    assert "no effect without guidance" in refusal(negative_prompt="bad", guidance=1)
    denoising({"negative_prompt": "bad"}, index())
    denoising({"negative_prompt": "bad", "guidance": 1.5}, index())


def test_eta_is_idle_unless_the_scheduler_is_ddim() -> None:
    pndm = index(scheduler="PNDMScheduler")
    assert "eta has no effect with PNDMScheduler" in refusal(pndm, eta=0.5)
    assert "eta has no effect with ddpm" in refusal(scheduler="ddpm", eta=0.5)
    assert denoising({"scheduler": "ddim", "eta": 0.5}, pndm).eta == 0.5
    assert denoising({"eta": 1}, index()).eta == 1.0
    # DDIMPipeline makes whatever it was saved with into DDIM.
    assert denoising({"eta": 1}, index("DDIMPipeline", "DDPMScheduler")).eta == 1.0


def test_a_pipeline_that_is_not_here_is_asked_only_what_fits_none() -> None:
    denoising({"guidance": 3.0, "scheduler": "lcm", "steps": 5000}, None)
    denoising({"eta": 0.5}, None)
    with pytest.raises(SpecError, match="no effect with euler"):
        denoising({"eta": 0.5, "scheduler": "euler"}, None)
