"""Planted items: shown to a scorer before anything else, so that a broken one scores nothing.

What can be planted has to be true whatever encoder a suite names. A picture of the
training set is a copy, so one is read again beside the outputs: an encoder that
gives it other features than before cannot find copies. And no two pictures of a
dataset may all look the same, or every distance to it would be 0. Nothing of the
kind holds for alignment; a CLIP that has gone wrong scores low there, which fails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from harness.engine.features import reference_features, table_of, text_key
from harness.engine.store import Store
from harness.flow.encode import Unit, Vectors, encode
from harness.flow.readings import checked
from harness.protocols import Bound, Control, Crew, Executor, Reference
from harness.records import Case, Failure, Image, Media, Output, Prompt, Sample
from harness.spec.images import images

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROUNDING = 1e-6


def plant(scorer: Bound, store: Store, executor: Executor) -> list[Sample]:
    """Make a sample of each planted item; pictures are encoded, and kept with the outputs'."""
    return [_planted(control, scorer, store, executor) for control in scorer.plugin.controls]


def misread(scorer: Bound, planted: Sequence[Sample], vectors: Vectors, crew: Crew) -> str:
    """Let a scorer read the planted items; say which one it misread, or nothing.

    Args:
        scorer: The scorer.
        planted: What `plant` made.
        vectors: What its samples are shown besides the media.
        crew: The scorer, open.
    """
    if blind := _blind(vectors.references):
        return blind
    missing = [failure for one in planted if (failure := vectors.missing(one))]
    if missing:
        return f"a planted item could not be scored: {missing[0].reason}"
    reader = scorer.plugin
    kinds = {name: kind for name, kind in reader.columns.items() if kind != "features"}
    shown = [vectors.shown(one) for one in planted]
    for _, results, _ in crew.map("score", iter([shown] if shown else [])):
        readings = [checked(result, kinds) for result in results]
        for control, result in zip(reader.controls, readings, strict=True):
            if isinstance(result, Failure):
                return f"a planted item could not be scored: {result.reason}"
            if result[control.column] is not control.expected:
                return f"a planted item was misread: {control.column} is not {control.expected}"
    return ""


def _blind(references: Mapping[str, NDArray[np.float32]]) -> str:
    """Say which dataset has no vector, or, of several pictures, only one."""
    for name, matrix in references.items():
        if not len(matrix):
            return f"no picture of {name!r} could be read"
        spread = (matrix.max(axis=0) - matrix.min(axis=0)).max()
        if len(matrix) > 1 and spread <= _ROUNDING * abs(matrix[0]).max():
            return f"the encoder tells no picture of {name!r} from another"
    return ""


def _planted(control: Control, scorer: Bound, store: Store, executor: Executor) -> Sample:
    if control.reference:
        reference = scorer.plugin.references[control.reference]
        media = _first(reference, scorer.encoders[reference.encoder], store)
        key = f"planted-{reference.digest}"
    else:
        media, key = control.text, text_key(control.text)
    if media is None:
        return _sample("", key)
    unit = Unit(key, {key: partial(_itself, media)})
    for encoder in scorer.encoders.values():
        deque(encode(iter([unit]), encoder, table_of(encoder), store, executor), maxlen=0)
    return _sample(media, key)


def _first(reference: Reference, encoder: Bound, store: Store) -> Media | None:
    """The first picture of a dataset that has a vector."""
    known = reference_features(store, reference, encoder)
    for name, picture, _ in images(reference.dataset):
        if name in known and isinstance(picture, Image):
            return picture
    return None


def _itself(media: Media) -> Media:
    return media


def _sample(media: Media, key: str) -> Sample:
    prompt = Prompt(prompt_id="control", text="")
    case = Case(
        case_id="control", generator="", strategy="", params={}, prompt=prompt, repeat=0, seed=0
    )
    output = Output(
        output_id="control",
        case_id="control",
        batch_id="",
        fingerprint="",
        status="ok",
        text=media if isinstance(media, str) else None,
        media=key,  # under which its vectors are looked up
    )
    return Sample(case=case, output=output, media=media)
