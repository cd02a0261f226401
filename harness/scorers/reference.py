"""How close each picture is to the one picture it was meant to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from harness.encoders import lpips_model
from harness.encoders.itemwise import pictures
from harness.encoders.lpips_model import LpipsModel, LpipsOptions
from harness.encoders.lpips_network import SMALLEST
from harness.errors import PluginError
from harness.protocols import ColumnType, Control, Mean, MetricDef
from harness.records import Failure, Modality, Reading, Sample
from harness.scorers.pixelwise import PSNR_CEILING, SSIM_WINDOW, psnr, ssim
from harness.scorers.reference_pictures import ReferenceOptions, ReferencePictures

if TYPE_CHECKING:
    from harness.scorers.pixelwise import Pixels


class Reference:
    """PSNR, SSIM and, where its weights are given, LPIPS against each prompt's own picture.

    A case without its picture, or of another size than it, is a failure: it
    stays in the denominator, and nothing is resized to make it fit.
    """

    accepts: frozenset[Modality] = frozenset({"image"})
    requires: Sequence[str] = ("torch", "torchmetrics", "pillow", "numpy")
    controls: Sequence[Control] = ()
    caveat = (
        "PSNR and SSIM compare pixel with pixel: a good picture that is shifted or drawn "
        f"otherwise scores low. A PSNR ends at {PSNR_CEILING:g} dB, where pictures are equal."
    )

    class Options(ReferenceOptions):
        """The reference pictures, and the weights of LPIPS where it is wanted."""

        lpips: LpipsOptions | None = None

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = 64
        self._stack = ExitStack()
        self._references: ReferencePictures | None = None
        self._model: LpipsModel | None = None

    @property
    def weights(self) -> Mapping[str, str]:
        """The digests of the reference pictures, and of LPIPS's weights.

        Raises:
            AssetError: The pictures are an asset that has not been fetched.
            SpecError: There are no such pictures.
        """
        lpips = self._options.lpips
        return {"images": self._options.digest, **(lpips.digests if lpips else {})}

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """A number of each kind."""
        own: dict[str, ColumnType] = {"psnr": "float", "ssim": "float"}
        return {**own, "lpips": "float"} if self._options.lpips else own

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Their means."""
        found = {
            "psnr": MetricDef(kind=Mean("psnr", (0, PSNR_CEILING)), unit="dB", better="higher"),
            "ssim": MetricDef(kind=Mean("ssim", (-1, 1)), unit="similarity", better="higher"),
        }
        if lpips := self._options.lpips:
            kind = Mean("lpips", (0, None))
            found[f"lpips[{lpips.label}]"] = MetricDef(
                kind=kind, unit="distance", better="lower"
            )
        return found

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            references = stack.enter_context(self._options.opened())
            if self._options.lpips:
                self._model = lpips_model.load(self._options.lpips)
            self._references, self._stack = references, stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
        self._references, self._model = None, None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Hold each picture against its prompt's own."""
        if self._references is None:
            raise PluginError("reference reads before it is opened", fix="open it by `with`")
        return [self._of(sample, self._references) for sample in samples]

    def _of(self, sample: Sample, references: ReferencePictures) -> Reading | Failure:
        (made,) = pictures([sample.media])
        if isinstance(made, Failure):
            return made
        reference = references.of(sample.case.prompt)
        if isinstance(reference, Failure):
            return reference
        wanted = reference.pixels
        if misfit := self._misfit(made, wanted):
            return Failure(misfit, "unsupported")
        found = {"psnr": psnr(made, wanted), "ssim": ssim(made, wanted)}
        return {**found, "lpips": _lpips(self._model, made, wanted)} if self._model else found

    def _misfit(self, made: Pixels, wanted: Pixels) -> str:
        """Why two pictures cannot be compared, or nothing."""
        if made.shape != wanted.shape:
            sizes = [f"{wide} x {high}" for high, wide, _ in (made.shape, wanted.shape)]
            return f"the picture is {sizes[0]} pixels, its reference {sizes[1]}"
        if min(made.shape[:2]) < SSIM_WINDOW:
            return f"SSIM needs {SSIM_WINDOW} pixels on each side"
        if self._model and min(made.shape[:2]) < SMALLEST[self._model.network]:
            return f"LPIPS needs {SMALLEST[self._model.network]} pixels on each side"
        return ""


def _lpips(model: LpipsModel, made: Pixels, wanted: Pixels) -> float:
    first, second = model.embed([made, wanted])
    return float((first - second).double().square().sum())
