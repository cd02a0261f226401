"""Outputs to vectors: let each encoder see each distinct medium once, for every scorer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from harness import digests
from harness.engine import identity, schemas
from harness.engine.features import (
    WHOLE,
    Features,
    key_of,
    reference_features,
    reference_table,
    table_of,
    text_key,
)
from harness.engine.store import Store
from harness.engine.texts import storable_reason
from harness.flow.plan import Arm, Batch, Plan
from harness.flow.progress import Progress
from harness.flow.units import by_unit
from harness.protocols import Bound, Executor, Reference
from harness.records import Failure, Image, Media, Output, Sample
from harness.spec.images import images

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]


_NAMED = 3
"""How many of the pictures that could not be read are named."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Media that are encoded and stored together: by key, how each is fetched when asked."""

    unit_id: str
    media: Mapping[str, Callable[[], Media]]


def encode(
    units: Iterator[Unit],
    encoder: Bound,
    table: str,
    store: Store,
    executor: Executor,
    begin: Callable[[], None] | None = None,
) -> Iterator[tuple[int, int]]:
    """Encode and store what has no vector yet; yield each unit's size and its failures.

    Args:
        units: What to encode, in an order that depends on the plan alone.
        encoder: The encoder; it is entered only if there is something to do.
        table: Where the vectors go.
        store: The run.
        executor: What runs a batch.
        begin: Called before the first unit, if there is something to do.
    """
    known = set(Features(store, encoder, table).keys)
    first = next((unit for unit in units if unit.media.keys() - known), None)
    if first is None:
        return
    if begin:
        begin()
    with executor.opened(encoder.plugin) as crew:
        fresh = _fresh(chain([first], units), known, encoder.plugin.batch)
        for (unit_id, keys), calls in by_unit(crew, "encode", fresh):
            vectors = (_checked(item) for call in calls for item in call.results)
            found = dict(zip(keys, vectors, strict=True))
            store.append(table, _rows(unit_id, found, encoder), schemas.features())
            yield len(found), sum(isinstance(one, Failure) for one in found.values())


def _fresh(
    units: Iterable[Unit], known: set[str], size: int
) -> Iterator[tuple[tuple[str, list[str]], list[list[Media]]]]:
    """What each unit holds that was not handed out before, cut into calls."""
    for unit in units:
        media = {key: fetch() for key, fetch in unit.media.items() if key not in known}
        known |= media.keys()
        every = list(media.values())
        if every:
            yield (
                (unit.unit_id, list(media)),
                [every[i : i + size] for i in range(0, len(every), size)],
            )


def encode_outputs(
    plan: Plan, scorer: Bound, store: Store, executor: Executor, progress: Progress
) -> None:
    """Give every output of a plan, and prompts where asked, the vectors a scorer needs."""
    for name, encoder in scorer.encoders.items():
        asked = scorer.plugin.encoders[name]
        begin = partial(progress.begin, f"encode {encoder.use}", plan.size, 0)
        units = (
            _unit(batch, arm, store, prompts=asked.prompts)
            for arm in plan.arms
            if arm.generator.plugin.modality in scorer.plugin.accepts
            for batch in plan.batches(arm)
        )
        for done, failed in encode(units, encoder, table_of(encoder), store, executor, begin):
            progress.advance(done, failed)


def encode_reference(
    reference: Reference, encoder: Bound, store: Store, executor: Executor, progress: Progress
) -> None:
    """Give every image of a dataset its vector; those that cannot be read are counted."""
    if whole(store, reference, encoder):
        return
    table = reference_table(reference, encoder)
    begin = partial(progress.begin, f"encode {reference.dataset.name} with {encoder.use}", 0, 0)
    lost: dict[str, Vector | Failure] = {}
    units = _of_dataset(reference, encoder.plugin.batch, lost)
    for done, failed in encode(units, encoder, table, store, executor, begin):
        progress.advance(done, failed)
    if lost:
        store.append(table, _rows("unread", lost, encoder), schemas.features())
    end: dict[str, Vector | Failure] = {
        WHOLE: Failure(f"{len(lost)} could not be read", "unsupported")
    }
    store.append(table, _rows(WHOLE, end, encoder), schemas.features())


def unread(dataset: str, found: Features) -> str:
    """Say how many pictures of a dataset have no vector, and name the first of them.

    Numbers that are worked out from the others are of another dataset than the one named.
    """
    lost = sorted(found.failures)
    named = ", ".join(lost[:_NAMED]) + ", ..." * (len(lost) > _NAMED)
    return (
        f"{len(lost)} of {len(lost) + len(found.keys)} pictures of the reference {dataset!r} "
        f"could not be read: take them out of it ({named})"
    )


def whole(store: Store, reference: Reference, encoder: Bound) -> bool:
    """Whether every image of a dataset has been read."""
    table = reference_table(reference, encoder)
    return store.finished(table, encoder.fingerprint)[WHOLE] > 0


class Vectors:
    """What a scorer's samples are shown besides the media, and why some cannot be shown it."""

    def __init__(self, store: Store, scorer: Bound) -> None:
        self._encoders = {n: Features(store, one) for n, one in scorer.encoders.items()}
        self._prompts = [n for n in scorer.encoders if scorer.plugin.encoders[n].prompts]
        asked: Mapping[str, Reference] = getattr(scorer.plugin, "references", {})
        known = {
            name: reference_features(store, one, scorer.encoders[one.encoder])
            for name, one in asked.items()
        }
        self.references = {name: one.matrix for name, one in known.items()}
        self._unread = "; ".join(
            unread(one.dataset.name, known[name])
            for name, one in asked.items()
            if known[name].failures
        )

    def missing(self, sample: Sample) -> Failure | None:
        """Why a sample cannot be scored: a vector of it, or of a reference, is not there."""
        if self._unread:
            return Failure(self._unread, "unsupported")
        for name, features in self._encoders.items():
            keys = [key_of(sample.output)]
            keys += [text_key(sample.case.prompt.text)] if name in self._prompts else []
            for key in keys:
                if key not in features:
                    return Failure(features.failures.get(key, f"{name} has no vector of it"))
        return None

    def shown(self, sample: Sample) -> Sample:
        """The sample with its vectors."""
        found = {n: f.one(key_of(sample.output)) for n, f in self._encoders.items()}
        for name in self._prompts:
            features = self._encoders[name]
            found[f"{name}:prompt"] = features.one(text_key(sample.case.prompt.text))
        return replace(sample, features=found, references=self.references)


def _unit(batch: Batch, arm: Arm, store: Store, *, prompts: bool) -> Unit:
    """What one batch came to; a picture is read from disk only if it has no vector yet."""
    rows = store.rows("outputs", batch.batch_id, arm.generator.fingerprint)
    names = Output.__slots__
    outputs = [Output(**{n: row[n] for n in names}) for row in rows if row["status"] == "ok"]
    media: dict[str, Callable[[], Media]] = {
        key_of(one): partial(store.get, one) for one in outputs
    }
    if prompts:
        texts = [case.prompt.text for case in batch.cases]
        media |= {text_key(text): partial(str, text) for text in texts}
    return Unit(identity.unit_id(batch.batch_id, arm.generator.fingerprint), media)


def _of_dataset(
    reference: Reference, size: int, unread: dict[str, Vector | Failure]
) -> Iterator[Unit]:
    """Cut a dataset into units, leaving what cannot be read in `unread`."""
    part: dict[str, Callable[[], Media]] = {}
    for name, picture, _ in images(reference.dataset):
        if isinstance(picture, Failure):
            unread[name] = picture
            continue
        part[name] = partial(_itself, picture)
        if len(part) == size:
            yield Unit(digests.of_json(list(part)), part)
            part = {}
    if part:
        yield Unit(digests.of_json(list(part)), part)


def _itself(picture: Image) -> Media:
    return picture


def _checked(item: object) -> Vector | Failure:
    import numpy as np

    if isinstance(item, Failure):
        return item
    vector = np.asarray(item)
    if vector.ndim != 1 or vector.size == 0 or vector.dtype.kind not in "fiu":
        return Failure("the encoder gave no vector")
    vector = vector.astype(np.float32)
    return (
        vector if np.isfinite(vector).all() else Failure("the encoder's vector is not finite")
    )


def _rows(
    unit_id: str, found: dict[str, Vector | Failure], encoder: Bound
) -> dict[str, list[object]]:
    bad = [one if isinstance(one, Failure) else None for one in found.values()]
    return {
        "key": list(found),
        "batch_id": [unit_id] * len(found),
        "fingerprint": [encoder.fingerprint] * len(found),
        "status": [failure.status if failure else "ok" for failure in bad],
        "error": [storable_reason(failure.reason) if failure else None for failure in bad],
        "vector": [None if isinstance(one, Failure) else one for one in found.values()],
    }
