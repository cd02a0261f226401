"""Draw a batch with a loaded pipeline: each picture on its own noise, none that is broken.

Text-to-image pipelines are called as they are. Unconditional ones are run by
the loop below, which equals `DDPMPipeline` and `DDIMPipeline` and fits every
scheduler: those two neither scale the first noise nor the model's input, and
hand arguments to `step` that some schedulers do not take.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import SpecError
from harness.generators.schedulers import make

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from harness.generators.denoising import Denoising

_ARGUMENTS = {
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "height": "height",
    "width": "width",
    "negative_prompt": "negative_prompt",
    "eta": "eta",
}


@dataclass(frozen=True, slots=True)
class Painted:
    """A batch of pictures.

    `pixels`: float32 [N, H, W, C] in [0, 1]. `finite`, bool [N]: no number that
    became pixels was NaN or infinite. `blocked`, bool [N]: the pipeline's safety
    checker blacked the picture out.
    """

    pixels: NDArray[np.float32]
    finite: NDArray[np.bool_]
    blocked: NDArray[np.bool_]


class Painter:
    """A loaded pipeline, with the scheduler it was saved with."""

    def __init__(self, pipe: Any) -> None:
        self._pipe, self._saved = pipe, pipe.scheduler
        self._takes = inspect.signature(type(pipe).__call__).parameters

    def paint(self, how: Denoising, texts: Sequence[str], seeds: Sequence[int]) -> Painted:
        """Draw what each text asks for, or with a model that takes no text, as many.

        Raises:
            SpecError: The pipeline would ignore a parameter.
        """
        if "prompt" in self._takes:
            return self._from_texts(how, texts, seeds)
        return self._from_noise(how, seeds)

    def _from_texts(
        self, how: Denoising, texts: Sequence[str], seeds: Sequence[int]
    ) -> Painted:
        import numpy as np

        given = how.model_dump(exclude_unset=True, exclude={"scheduler"})
        self._refuse_ignored(given)
        arguments = {_ARGUMENTS[name]: value for name, value in given.items()}
        if how.negative_prompt is not None:
            arguments["negative_prompt"] = [how.negative_prompt] * len(texts)
        space: Literal["latent", "pixel"] = (
            "latent" if "vae" in self._pipe.components else "pixel"
        )
        self._pipe.scheduler = make(how.scheduler, self._saved, space, how.steps)
        with _watched(self._pipe) as decoded:
            told = self._pipe(
                prompt=list(texts), generator=_noise(seeds), output_type="np", **arguments
            )
        pixels = np.asarray(told.images, dtype=np.float32)
        finite = np.atleast_1d(np.isfinite(pixels).all(axis=(1, 2, 3)))
        for whole in decoded:
            finite &= whole
        return Painted(pixels, finite, _blocked(told, len(pixels)))

    def _from_noise(self, how: Denoising, seeds: Sequence[int]) -> Painted:
        import numpy as np
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        unet, noise = self._pipe.unet, _noise(seeds)
        steps = how.steps or self._takes["num_inference_steps"].default
        scheduler = make(how.scheduler, self._saved, "pixel", steps)
        scheduler.set_timesteps(steps, device=unet.device)
        extra = {"generator": noise} | ({} if how.eta is None else {"eta": how.eta})
        taken = inspect.signature(scheduler.step).parameters
        extra = {name: value for name, value in extra.items() if name in taken}
        shape = (len(seeds), unet.config.in_channels, *_size(unet.config.sample_size))
        # A scheduler that clips hides an infinity of the model's.
        finite = np.ones(len(seeds), dtype=np.bool_)
        with torch.no_grad():
            sample = randn_tensor(shape, generator=noise, device=unet.device, dtype=unet.dtype)
            sample = sample * scheduler.init_noise_sigma
            for step in scheduler.timesteps:
                told = unet(scheduler.scale_model_input(sample, step), step).sample
                finite &= _finite(told)
                sample = scheduler.step(told, step, sample, **extra).prev_sample
        pixels = (sample / 2 + 0.5).clamp(0, 1).float().permute(0, 2, 3, 1).cpu().numpy()
        return Painted(pixels, finite & _finite(sample), np.zeros(len(seeds), dtype=np.bool_))

    def _refuse_ignored(self, given: Iterable[str]) -> None:
        ignored = [name for name in given if _ARGUMENTS[name] not in self._takes]
        # With a scale of its own for true guidance, the usual one and the negative prompt
        # take effect only where their defaults say so.
        true_scale = self._takes.get("true_cfg_scale")
        if true_scale is not None:
            idle = {"negative_prompt": true_scale.default <= 1}
            idle["guidance"] = self._takes["guidance_scale"].default is None
            ignored += [name for name in given if idle.get(name)]
        if ignored:
            raise SpecError(
                f"{', '.join(ignored)} has no effect on {type(self._pipe).__name__}",
                fix="leave it out",
            )


def _noise(seeds: Sequence[int]) -> list[torch.Generator]:
    """One generator a case, on the CPU, whose numbers are the same on every machine."""
    import torch

    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def _size(side: int | Sequence[int]) -> tuple[int, ...]:
    return (side, side) if isinstance(side, int) else tuple(side)


@contextmanager
def _watched(pipe: Any) -> Iterator[list[NDArray[np.bool_]]]:
    """Note which pictures leave the decoder finite: clamping to [0, 1] hides an infinity."""
    seen: list[NDArray[np.bool_]] = []
    decoder = getattr(getattr(pipe, "vae", None), "decoder", None)
    if decoder is None:
        yield seen
        return
    hook = decoder.register_forward_hook(lambda _, __, made: seen.append(_finite(made)))
    try:
        yield seen
    finally:
        hook.remove()


def _finite(made: torch.Tensor) -> NDArray[np.bool_]:
    import torch

    rows: NDArray[np.bool_] = torch.isfinite(made).flatten(1).all(1).cpu().numpy()
    return rows


def _blocked(told: Any, count: int) -> NDArray[np.bool_]:
    """What the safety checker said; Stable Diffusion and DeepFloyd call it differently."""
    import numpy as np

    flags = getattr(told, "nsfw_content_detected", None) or getattr(told, "nsfw_detected", None)
    return np.array(flags if flags is not None else [False] * count, dtype=np.bool_)
