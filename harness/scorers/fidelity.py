"""How close a set of pictures is to a set of real ones, by the features of a named encoder.

A distance is called FID only with the Inception weights of 2015; with any other
features it is `frechet_distance[<model>]`. The two sets are compared at the sizes
they have, and most of these numbers move with the sizes: compare equal n only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from harness.assets.datasets import reference
from harness.metrics.frechet import frechet_distance
from harness.metrics.frechet_parts import frechet_infinity
from harness.metrics.kernel_distance import cmmd, kid
from harness.metrics.manifold import manifold
from harness.metrics.mind import mind
from harness.metrics.moments import Moments, moments
from harness.protocols import ColumnType, Control, Encoding, MetricDef, OfSet, Reference
from harness.records import Failure, Modality, Reading, Sample
from harness.scorers.compared import Dataset, EncoderOptions
from harness.spec.model import Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SMALLEST_SHARE, _SEED = 8, 0
"""A Frechet distance is undefined under D / 8 rows: its bias would be all there is."""


class Fidelity:
    """Frechet and kernel distances, precision and recall against a dataset of real images."""

    accepts: frozenset[Modality] = frozenset({"image"})
    requires: Sequence[str] = ("numpy", "scipy")
    weights: ClassVar[Mapping[str, str]] = {}
    controls: Sequence[Control] = ()
    columns: ClassVar[Mapping[str, ColumnType]] = {"image": "features"}
    caveat = (
        "Distances of sets move with their sizes; a difference of arms is sound at equal n, "
        "a limit only at the n it was set for. Features see what their encoder was taught."
    )

    class Options(Spec):
        """Which real images, read by which encoder."""

        reference: Dataset
        encoder: EncoderOptions
        neighbours: Annotated[int, Field(ge=1, le=100)] = 3

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = 4096

    @property
    def encoders(self) -> Mapping[str, Encoding]:
        """The encoder, for outputs and the reference alike."""
        return {"image": self._options.encoder.encoding()}

    @property
    def references(self) -> Mapping[str, Reference]:
        """The real images."""
        return {"real": reference(self._options.reference, "image")}

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Every distance, named by what made its features."""
        label = self._options.encoder.label
        near = partial(_manifold, k=self._options.neighbours)
        known = _Known()
        functions: dict[str, tuple[Callable[..., float | None], str, str]] = {
            "frechet_distance": (partial(_frechet, known=known), "squared distance", "lower"),
            "frechet_infinity": (partial(_infinity, known=known), "squared distance", "lower"),
            "kid": (_kid, "squared distance", "lower"),
            "cmmd": (_cmmd, "thousandths", "lower"),
            "mind": (_mind, "squared distance", "lower"),
            "precision": (partial(near, what="precision"), "share", "higher"),
            "recall": (partial(near, what="recall"), "share", "higher"),
            "density": (partial(near, what="density"), "ratio", "higher"),
            "coverage_of_real": (partial(near, what="coverage"), "share", "higher"),
        }
        fid = {"frechet_distance": "fid"} if self._options.encoder.defines_fid else {}
        return {
            fid.get(name, f"{name}[{label}]"): MetricDef(
                kind=OfSet(("image",), function, references=("real",)),
                unit=unit,
                better="lower" if better == "lower" else "higher",
                n_min=2,
            )
            for name, (function, unit, better) in functions.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Note that a picture's features are there; all numbers are of the set."""
        return [{} for _ in samples]


class _Known:
    """The moments of the last reference seen: a jackknife asks for the same again and again."""

    def __init__(self) -> None:
        self._seen: tuple[object, Moments] | None = None

    def of(self, real: NDArray[np.float32]) -> Moments:
        if self._seen is None or self._seen[0] is not real:
            self._seen = (real, moments(real))
        return self._seen[1]


def _frechet(columns: Mapping[str, Any], *, known: _Known) -> float | None:
    made, real = columns["image"], columns["real"]
    if min(len(made), len(real)) < real.shape[1] / _SMALLEST_SHARE:
        return None
    return frechet_distance(moments(made), known.of(real))


def _infinity(columns: Mapping[str, Any], *, known: _Known) -> float | None:
    made, real = columns["image"], columns["real"]
    if min(len(made), len(real)) < real.shape[1]:
        return None
    return frechet_infinity(made, known.of(real), _SEED)


def _kid(columns: Mapping[str, Any]) -> float | None:
    found = kid(columns["image"], columns["real"])
    return None if found is None else found.value


def _cmmd(columns: Mapping[str, Any]) -> float | None:
    found = cmmd(columns["image"], columns["real"])
    return None if found is None else found.value


def _mind(columns: Mapping[str, Any]) -> float | None:
    return mind(columns["image"], columns["real"], _SEED)


def _manifold(columns: Mapping[str, Any], *, k: int, what: str) -> float | None:
    found = manifold(columns["image"], columns["real"], k)
    return None if found is None else float(getattr(found, what))
