"""The schedulers a strategy can name, each made from the one a pipeline was saved with.

Names are those of the papers and of diffusers. Each is built from the saved
configuration, so the noise a model was trained with stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

_SDE = {"algorithm_type": "sde-dpmsolver++"}
_ODE = {"algorithm_type": "dpmsolver++"}
_KARRAS = {"use_karras_sigmas": True}
_EVEN = {"use_karras_sigmas": False}
LCM = "lcm"

SCHEDULERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ddpm": ("DDPMScheduler", {}),
    "ddim": ("DDIMScheduler", {}),
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "dpm-solver++": ("DPMSolverMultistepScheduler", {**_ODE, **_EVEN}),
    "dpm-solver++-karras": ("DPMSolverMultistepScheduler", {**_ODE, **_KARRAS}),
    "dpm-solver++-sde": ("DPMSolverMultistepScheduler", {**_SDE, **_EVEN}),
    "dpm-solver++-sde-karras": ("DPMSolverMultistepScheduler", {**_SDE, **_KARRAS}),
    LCM: ("LCMScheduler", {}),
}
"""Name in a strategy -> class of diffusers, and what of its configuration the name fixes."""

EXCHANGEABLE = frozenset(
    {
        *(kind for name, (kind, _) in SCHEDULERS.items() if name != LCM),
        "DEISMultistepScheduler",
        "DPMSolverSDEScheduler",
        "DPMSolverSinglestepScheduler",
        "KDPM2AncestralDiscreteScheduler",
        "KDPM2DiscreteScheduler",
        "LMSDiscreteScheduler",
    }
)
"""Classes that solve the same equation: a model saved with one can be drawn with any.

Models of flow matching or of consistency distillation are saved with others.
Source: `KarrasDiffusionSchedulers` of diffusers, less the one for EDM's own noise.
"""


def make(
    name: str | None, saved: Any, space: Literal["latent", "pixel"], steps: int | None = None
) -> Any:
    """Build a scheduler with no memory of an earlier batch.

    Args:
        name: A key of `SCHEDULERS`; None is the class the pipeline was saved with.
        saved: The pipeline's own scheduler.
        space: What the model denoises.
        steps: How many there will be, if it is known.
    """
    import diffusers

    within = _within(saved.config, steps)
    if name is None:
        return type(saved).from_config(saved.config, **within)
    kind, fixed = SCHEDULERS[name]
    # DDPM and DDIM clip samples to [-1, 1] unless told not to. That is for pixels: of latents
    # it cuts away most, and the schedulers that never clip save no word of it.
    spread = (
        {"clip_sample": False}
        if space == "latent" and "clip_sample" not in saved.config
        else {}
    )
    return getattr(diffusers, kind).from_config(saved.config, **spread, **within, **fixed)


def _within(config: Any, steps: int | None) -> dict[str, int]:
    """Leave out the offset of the steps where the first would lie past the last trained one.

    Of 1,000 steps of 1,000 with an offset of 1, diffusers asks for step 1,000, counted
    from 0, and fails.
    """
    trained, offset = config.get("num_train_timesteps", 0), config.get("steps_offset", 0)
    if not steps or not offset or (steps - 1) * (trained // steps) + offset < trained:
        return {}
    return {"steps_offset": 0}
