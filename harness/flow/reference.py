"""Datasets that outputs are held against, encoded once and kept beside the model assets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import durable
from harness.assets import cache
from harness.assets.datasets import reference as find
from harness.engine.features import Features, reference_features, reference_table
from harness.engine.store import Store
from harness.errors import SpecError
from harness.flow.bind import bind
from harness.flow.encode import encode_reference, unread, whole
from harness.flow.executors import executor_of
from harness.flow.progress import Progress
from harness.protocols import Bound, Reference
from harness.spec.suite import PluginSpec


def build(
    dataset: str, encoder: str, options: Mapping[str, Any], base: Path, progress: Progress
) -> dict[str, Any]:
    """Encode a dataset into the cache; what is there already is not read again.

    Args:
        dataset: An asset, or a folder, an archive or a Parquet file of images.
        encoder: The encoder's registered name.
        options: The encoder's options.
        base: Where relative paths in the options start.
        progress: Hears how far the work is.

    Raises:
        SpecError: There is no such dataset, none of its images could be encoded, or the
            options do not fit.
        AssetError: The encoder's model is absent.
    """
    bound = bind("encoders", PluginSpec(use=encoder, name=encoder, options=dict(options)), base)
    reference = find(dataset, encoder)
    with Store(folder(reference, bound)) as store:
        encode_reference(reference, bound, store, executor_of(), progress)
    found = reference_features(store, reference, bound)
    count, width = found.matrix.shape
    lost = len(found.failures)
    doubts = [unread(reference.dataset.name, found)] if lost else []
    if not count:
        raise _empty(dataset, encoder, found)
    return {
        "dataset": reference.digest,
        "encoder": bound.fingerprint,
        "images": count,
        "width": width,
        "unreadable": lost,
        "folder": str(store.root),
        "said": f"{count} images, {width} features each, {lost} unreadable",
        "next": [*doubts, f"kept in {store.root}"],
    }


def folder(reference: Reference, encoder: Bound) -> Path:
    """Where a dataset's vectors are kept between runs."""
    return cache.root() / reference_table(reference, encoder)


def bring(reference: Reference, encoder: Bound, store: Store) -> None:
    """Copy a dataset's vectors into a run, if they were built before and are whole."""
    table = reference_table(reference, encoder)
    kept = Store(folder(reference, encoder))
    if whole(store, reference, encoder) or not whole(kept, reference, encoder):
        return
    durable.remove(store.root / table)
    shutil.copytree(kept.root / table, store.root / table)
    durable.told(store.root / table)


def _empty(dataset: str, encoder: str, found: Features) -> SpecError:
    """Say that a dataset has no vector, and why its first image has none."""
    reasons = list(found.failures.values())
    said = f"; of the first: {reasons[0]}" if reasons else ""
    return SpecError(
        f"none of {len(reasons):,} images could be encoded{said}", where=dataset,
        fix=f"name a dataset with pictures, and a model that {encoder!r} reads",
    )  # fmt: skip
