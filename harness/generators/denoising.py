"""The parameters of a diffusion strategy, and which of them fit which pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from harness import registry
from harness.errors import SpecError
from harness.generators.parameters import parameters
from harness.generators.pipelines import Index
from harness.generators.schedulers import EXCHANGEABLE, LCM, SCHEDULERS
from harness.spec.model import Spec

_OF_TEXT = ("guidance", "negative_prompt", "height", "width")
_WITH_ETA = ("DDIMScheduler", "TCDScheduler")
_Pixels = Annotated[int, Field(ge=8, le=8192, multiple_of=8)]


class Denoising(Spec):
    """One strategy's parameters; what is left out is the pipeline's own default.

    `guidance`: the scale of classifier-free guidance (Ho and Salimans 2022), off
    at 1 and below. `eta`: how much of DDPM's noise DDIM adds, 0 to 1 (Song, Meng
    and Ermon 2021, equation 16). `height` and `width` are in pixels.
    """

    scheduler: str | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    guidance: Annotated[float, Field(ge=0)] | None = None
    height: _Pixels | None = None
    width: _Pixels | None = None
    negative_prompt: str | None = None
    eta: Annotated[float, Field(ge=0, le=1)] | None = None


def denoising(params: Mapping[str, Any], index: Index | None) -> Denoising:
    """Check a strategy's parameters.

    Args:
        params: What the strategy sets.
        index: What the pipeline is; None where it is not on this machine, and
            only what fits no pipeline can be refused.

    Raises:
        SpecError: One is unknown, out of range, unfit for the pipeline, or has
            no effect beside the others. All of a kind are told at once.
    """
    _known(params)
    read = parameters(Denoising, params)
    _named(read)
    if index is not None:
        _fit(read, index)
    _effective(read, index)
    return read


def _known(params: Mapping[str, Any]) -> None:
    unknown = [name for name in params if name not in Denoising.model_fields]
    if unknown:
        hints = [registry.suggest(name, Denoising.model_fields) for name in unknown]
        raise SpecError(
            f"no parameter of a diffusion strategy is called {', '.join(map(repr, unknown))}",
            fix=" ".join(filter(None, hints)) or f"one of {', '.join(Denoising.model_fields)}",
        )
    empty = [name for name, value in params.items() if value is None]
    if empty:
        raise SpecError(f"{', '.join(empty)}: has no value", fix="give one, or leave it out")


def _named(read: Denoising) -> None:
    if read.scheduler is not None and read.scheduler not in SCHEDULERS:
        raise SpecError(
            f"no scheduler is called {read.scheduler!r}",
            fix=registry.suggest(read.scheduler, SCHEDULERS)
            or f"one of {', '.join(SCHEDULERS)}",
        )


def _fit(read: Denoising, index: Index) -> None:
    given = [name for name in _OF_TEXT if name in read.model_fields_set]
    if given and not index.textual:
        raise SpecError(
            f"{', '.join(given)} does not fit {index.pipeline}, which draws without a text",
            fix="leave it out",
        )
    if read.scheduler is not None and not _exchangeable(read.scheduler, index.scheduler):
        raise SpecError(
            f"{read.scheduler} does not fit a model made for {index.scheduler}",
            fix="leave `scheduler` out: the pipeline's own is used",
        )
    if read.steps and index.train_steps and read.steps > index.train_steps:
        raise SpecError(
            f"{read.steps} steps exceed the {index.train_steps} noise levels of the model",
            fix=f"at most `steps: {index.train_steps}`",
        )


def _exchangeable(wanted: str, saved: str) -> bool:
    if wanted == LCM:
        return SCHEDULERS[wanted][0] == saved
    return saved in EXCHANGEABLE


def _effective(read: Denoising, index: Index | None) -> None:
    if read.negative_prompt is not None and read.guidance is not None and read.guidance <= 1:
        raise SpecError(
            "negative_prompt has no effect without guidance",
            fix="set `guidance` above 1, or leave `negative_prompt` out",
        )
    drawn = SCHEDULERS[read.scheduler][0] if read.scheduler else index and index.scheduler
    if read.eta is not None and drawn not in (*_WITH_ETA, None):
        raise SpecError(
            f"eta has no effect with {read.scheduler or drawn}",
            fix="add `scheduler: ddim`, or leave it out",
        )
