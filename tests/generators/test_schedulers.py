"""Each name is the scheduler it says, with the noise the model was trained with."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
from diffusers.schedulers import KarrasDiffusionSchedulers

from harness.generators.opening import quiet
from harness.generators.schedulers import EXCHANGEABLE, SCHEDULERS, make

SAVED = {"beta_schedule": "scaled_linear", "beta_start": 0.001, "beta_end": 0.014,
         "num_train_timesteps": 500}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if name != "lcm"])
def test_a_scheduler_keeps_the_noise_the_model_was_trained_with(name: str) -> None:
    saved = diffusers.PNDMScheduler(**SAVED, prediction_type="v_prediction")
    with quiet():
        made = make(name, saved, "latent")
    assert type(made).__name__ == SCHEDULERS[name][0]
    assert SAVED.items() <= dict(made.config).items()
    assert made.config.prediction_type == "v_prediction"


@pytest.mark.parametrize(
    ("name", "kind", "karras"),
    [
        ("dpm-solver++", "dpmsolver++", False),
        ("dpm-solver++-karras", "dpmsolver++", True),
        ("dpm-solver++-sde", "sde-dpmsolver++", False),
        ("dpm-solver++-sde-karras", "sde-dpmsolver++", True),
    ],
)
def test_a_name_fixes_its_variant_whatever_was_saved(name: str, kind: str, karras: Any) -> None:
    saved = diffusers.DPMSolverMultistepScheduler(
        **SAVED, algorithm_type="dpmsolver++", use_karras_sigmas=not karras
    )
    made = make(name, saved, "latent")
    assert (made.config.algorithm_type, made.config.use_karras_sigmas) == (kind, karras)


@pytest.mark.parametrize("name", ["ddpm", "ddim"])
def test_latents_are_not_clipped_unless_the_pipeline_says_so(name: str) -> None:
    silent = diffusers.DPMSolverMultistepScheduler(**SAVED)
    assert make(name, silent, "latent").config.clip_sample is False
    assert make(name, silent, "pixel").config.clip_sample is True
    told = diffusers.DDPMScheduler(**SAVED, clip_sample=True)
    assert make(name, told, "latent").config.clip_sample is True


def test_the_pipelines_own_is_made_anew() -> None:
    saved = diffusers.DDIMScheduler(**SAVED, steps_offset=1)
    made = make(None, saved, "latent")
    assert made is not saved
    assert dict(made.config) == dict(saved.config)


def test_the_exchangeable_are_those_of_diffusers() -> None:
    assert {kind.name for kind in KarrasDiffusionSchedulers} - {
        "EDMEulerScheduler"
    } == EXCHANGEABLE


@pytest.mark.parametrize("name", [None, "ddpm", "ddim"])
def test_as_many_steps_as_were_trained_can_be_taken(name: str | None) -> None:
    saved = diffusers.DDIMScheduler(**SAVED, steps_offset=1)
    for steps, offset in ((500, 0), (250, 1), (50, 1)):
        made = make(name, saved, "latent", steps)
        made.set_timesteps(steps)
        assert made.config.steps_offset == offset
        assert 0 <= int(made.timesteps.min()) <= int(made.timesteps.max()) < 500
