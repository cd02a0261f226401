"""How close a set of pictures is to a set of real ones, by the features of a named encoder.

A distance is called FID only with the Inception weights of 2015; with any other
features it is `frechet_distance[<model>]`. The two sets are compared at the sizes
they have, and most of these numbers move with the sizes: compare equal n only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field

from harness.assets.datasets import reference
from harness.metrics.frechet_parts import factored_rows
from harness.metrics.inception_score import are_distributions, inception_score
from harness.metrics.kernel_distance import cmmd, cmmd_without_each, kid, kid_without_each
from harness.metrics.manifold import manifold, manifold_without_each
from harness.metrics.mind import mind
from harness.protocols import ColumnType, Control, Encoding, MetricDef, OfSet, Reference
from harness.records import Failure, Modality, Reading, Sample
from harness.scorers.compared import Dataset, EncoderOptions
from harness.scorers.fidelity_numbers import (
    SEED,
    Last,
    frechet_limit,
    frechet_number,
    frechet_rests,
    kernel_number,
    manifold_number,
    manifold_rests,
)
from harness.spec.model import Spec

_FID = {"frechet_distance": "fid", "frechet_without_bias": "fid_without_bias"}
_NO_CLASSES = Failure(
    "the classifier's probabilities are no distribution, so there is no Inception score"
)


class Fidelity:
    """Frechet and kernel distances, precision and recall against a dataset of real images."""

    accepts: frozenset[Modality] = frozenset({"image"})
    requires: Sequence[str] = ("numpy", "scipy")
    weights: ClassVar[Mapping[str, str]] = {}
    controls: Sequence[Control] = ()
    caveat = (
        "Distances of sets move with their sizes; a difference of arms is sound at equal n, "
        "a limit only at the n it was set for. Features see what their encoder was taught. "
        "The Inception score sees no real picture: one sharp picture a class has the highest."
    )

    class Options(Spec):
        """Which real images, read by which encoder.

        `classes`: the encoder whose class probabilities the Inception score is of;
        without it there is none. `prompts`: `drawn` where they are a random sample, for
        `frechet_without_bias`. Of a set made by design, with as many of each kind, the
        jackknife takes out more bias than there is: 24 real digits of each class are
        0.22 from the others, truly about 0.1, and would come to -0.54.
        """

        reference: Dataset
        encoder: EncoderOptions
        neighbours: Annotated[int, Field(ge=1, le=100)] = 3
        classes: Annotated[EncoderOptions, AfterValidator(_probabilities)] | None = None
        prompts: Literal["designed", "drawn"] = "designed"

    def __init__(self, options: Options) -> None:
        self._options = options
        self._known = Last(factored_rows)
        self.batch = 4096

    @property
    def encoders(self) -> Mapping[str, Encoding]:
        """The encoder, for outputs and the reference alike; and the classifier."""
        found = {"image": self._options.encoder.encoding()}
        classes = self._options.classes
        return found if classes is None else {**found, "classes": classes.encoding()}

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """The vectors of each encoder."""
        return dict.fromkeys(self.encoders, "features")

    @property
    def references(self) -> Mapping[str, Reference]:
        """The real images."""
        return {"real": reference(self._options.reference, "image")}

    @property
    def metrics(self) -> Mapping[str, MetricDef]:
        """Every distance, named by what made its features."""
        encoder = self._options.encoder
        kids, cmmds = partial(kernel_number, of=kid), partial(kernel_number, of=cmmd)
        found = {
            **self._frechet(),
            "kid": _lower(_against(kids, kid_without_each)),
            "cmmd": _lower(_against(cmmds, cmmd_without_each), unit="thousandths"),
            "mind": _lower(_against(partial(mind, seed=SEED))),
            **self._manifold(),
        }
        fid = _FID if encoder.defines_fid else {}
        named = {fid.get(name, f"{name}[{encoder.label}]"): one for name, one in found.items()}
        return {**named, **self._inception_score()}

    def _frechet(self) -> dict[str, MetricDef]:
        """The distance and its limit; and, of prompts drawn at random, without its bias."""
        plain = _against(
            partial(frechet_number, of=self._known), partial(frechet_rests, of=self._known)
        )
        limit = _against(partial(frechet_limit, of=self._known))
        found = {"frechet_distance": _lower(plain), "frechet_infinity": _lower(limit)}
        if self._options.prompts == "drawn":
            found["frechet_without_bias"] = _lower(replace(plain, bias="removed"))
        return found

    def _manifold(self) -> dict[str, MetricDef]:
        """Four numbers of the balls around each picture, all from one pass over the pairs."""
        k = self._options.neighbours
        whole, rests = Last(partial(manifold, k=k)), Last(partial(manifold_without_each, k=k))

        def number(what: str) -> OfSet:
            return _against(
                partial(manifold_number, of=whole, what=what),
                partial(manifold_rests, of=rests, what=what),
            )

        return {
            "precision": _higher(number("precision"), "share"),
            "recall": _higher(number("recall"), "share"),
            "density": _higher(number("density"), "ratio"),
            "coverage_of_real": _higher(number("coverage"), "share"),
        }

    def _inception_score(self) -> dict[str, MetricDef]:
        """The score under its own name, where the classifier is the one it is defined by."""
        classes = self._options.classes
        if classes is None:
            return {}
        options = {key: value for key, value in classes.options.items() if key != "layer"}
        model = EncoderOptions(use=classes.use, options=options)
        label = "" if model.defines_fid else f"[{model.label}]"
        return {
            f"inception_score{label}": _higher(OfSet(("classes",), _inception), "classes"),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def score(self, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
        """Note that a picture's vectors are there; all numbers are of the set."""
        if self._options.classes is None or not samples:
            return [{} for _ in samples]
        import numpy as np

        right = are_distributions(np.stack([one.features["classes"] for one in samples]))
        return [{} if one else _NO_CLASSES for one in right.tolist()]


def _probabilities(classes: EncoderOptions) -> EncoderOptions:
    """Refuse features, which are no probabilities of classes."""
    if classes.options.get("layer") != "probabilities":
        raise ValueError("the Inception score is of class probabilities: say the encoder's "
                         "option `layer: probabilities`")  # fmt: skip
    return classes


def _against(
    function: Callable[..., float | None], without: Callable[..., Any] | None = None
) -> OfSet:
    """A number of the pictures' features and the real ones'."""
    quick = None if without is None else partial(_of_both, of=without)
    return OfSet(("image",), partial(_of_both, of=function), ("real",), quick)


def _of_both(columns: Mapping[str, Any], *group: Any, of: Callable[..., Any]) -> Any:
    return of(columns["image"], columns["real"], *group)


def _inception(columns: Mapping[str, Any]) -> float | None:
    return inception_score(columns["classes"])


def _lower(kind: OfSet, unit: str = "squared distance") -> MetricDef:
    return MetricDef(kind=kind, unit=unit, better="lower", n_min=2)


def _higher(kind: OfSet, unit: str) -> MetricDef:
    return MetricDef(kind=kind, unit=unit, better="higher", n_min=2)
