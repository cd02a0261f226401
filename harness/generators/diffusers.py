"""Pictures from any pipeline of diffusers that draws from a text, or from noise alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from harness import digests
from harness.encoders.language_model import Precision
from harness.errors import AssetError
from harness.generators import opening, pipelines
from harness.generators.denoising import denoising
from harness.generators.pipelines import SAFE, TRUSTED, Index
from harness.records import Case, Failure, Generated, Image, Modality
from harness.spec.model import ModelName, Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.generators.denoising import Denoising
    from harness.generators.painting import Painted, Painter

_BLOCKED = "blocked by the pipeline's safety checker"
_UNREAD = Failure("a pipeline of diffusers takes no system prompt", "unsupported")
_BROKEN = "the picture has numbers that are not finite: try `dtype: float32`"


class Diffusers:
    """Draws with a local pipeline; each case is drawn from its own seed.

    A pipeline without a text input draws each case from its seed alone.
    """

    modality: Modality = "image"
    identity: Literal["weights"] = "weights"
    requires: Sequence[str] = ("torch", "diffusers", "transformers")

    class Options(Spec):
        """The pipeline and how it is run.

        `model`: an asset, a folder or a hub id (with `revision`). `dtype` auto:
        float32 on a CPU, and on a GPU what it computes in. `allow_pickle`: read
        pickled tensors where there are no safetensors; a folder is then pinned
        by `sha256`, one digest for all of its files.
        """

        model: ModelName
        revision: str | None = None
        dtype: Precision = "auto"
        device: str = "auto"
        batch: Annotated[int, Field(ge=1, le=4096)] = 8
        allow_pickle: bool = False
        sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch
        self._kinds = TRUSTED if options.allow_pickle else SAFE
        self._source = pipelines.find(options.model, options.revision, self._kinds)
        self._pin()
        self._index: Index | None = None
        self._painter: Painter | None = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The pipeline's files or pinned revision, and whether it has a safety checker."""
        return {**self._source.weights, "safety_checker": pipelines.guard(self._source)}

    @property
    def assets(self) -> Sequence[str]:
        """The catalogue asset the pipeline is, if it is one."""
        return self._source.assets

    @property
    def folder(self) -> Path:
        """The pipeline's folder on this machine."""
        return pipelines.place(self._source, self._kinds)

    def __enter__(self) -> Self:
        from harness.generators.painting import Painter

        options, folder = self._options, self.folder
        self._index = pipelines.read(folder)
        self._painter = Painter(
            opening.load(folder, self._index, options.dtype, options.device, self._kinds)
        )
        return self

    def __exit__(self, *exc: object) -> None:
        self._painter = None

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse parameters that the pipeline would ignore or break on.

        Raises:
            SpecError: One is unknown, out of range, unfit, or idle beside the others.
        """
        denoising(params, self._read())

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Draw a batch of cases that share one strategy."""
        if self._painter is None or self._index is None:
            raise RuntimeError("enter the generator before it draws")
        how = denoising(cases[0].params, self._index)
        fit = [case for case in cases if not case.prompt.system]
        drawn = iter(_draw(self._painter, how, fit) if fit else ())
        return [_UNREAD if case.prompt.system else next(drawn) for case in cases]

    def _read(self) -> Index | None:
        """What the pipeline is; None where it is not on this machine."""
        try:
            folder = self.folder
        except AssetError:
            return None
        return pipelines.read(folder)

    def _pin(self) -> None:
        """Hold a folder of pickles, which any file could be added to, to one digest."""
        options, found = self._options, digests.of_tree(self._source.weights)
        local = self._source.revision is None and not self._source.assets
        if options.sha256 == found or (
            options.sha256 is None and not (options.allow_pickle and local)
        ):
            return
        raise AssetError(
            "a folder with pickled weights needs a pinned sha256"
            if options.sha256 is None
            else f"the pipeline's files have sha256 {found}, not {options.sha256}",
            where=self._source.name,
            fix=f"if these are the files you mean: `sha256: {found}`",
        )


def _draw(painter: Painter, how: Denoising, cases: Sequence[Case]) -> list[Generated | Failure]:
    started = time.perf_counter()
    with opening.quiet():
        painted = painter.paint(
            how, [case.prompt.text for case in cases], [case.seed for case in cases]
        )
    seconds = time.perf_counter() - started
    return [_answer(painted, row, seconds) for row in range(len(cases))]


def _answer(painted: Painted, row: int, seconds: float) -> Generated | Failure:
    # A picture that is not finite can reach the safety checker, which then flags nothing.
    if not painted.finite[row]:
        return Failure(_BROKEN)
    if painted.blocked[row]:
        return Failure(_BLOCKED)
    return Generated(media=Image(_bytes(painted.pixels[row])), seconds=seconds, finish="stop")


def _bytes(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pixels in [0, 1], [H, W, 1 or 3], as uint8 [H, W, 3], rounded as diffusers does."""
    import numpy as np

    if pixels.shape[2] not in (1, 3):
        raise ValueError(f"a picture has {pixels.shape[2]} channels, neither 1 nor 3")
    grey = np.round(pixels * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(grey, (*grey.shape[:2], 3)))
