"""Datasets of images: found by an asset's name or by their place, known by their digest."""

from __future__ import annotations

from pathlib import Path

from harness.assets import cache, catalogue
from harness.errors import SpecError
from harness.protocols import Reference
from harness.spec.images import digest


def reference(dataset: str, encoder: str) -> Reference:
    """Find a dataset, and say which encoder reads it.

    Args:
        dataset: An asset that is one, or a folder, an archive or a Parquet file of images.
        encoder: The encoder's name in the scorer, or its registered one.

    Raises:
        SpecError: There is none.
        AssetError: It is an asset that has not been fetched.
    """
    place = Path(dataset)
    if dataset in catalogue.ASSETS:
        place = cache.locate(dataset) / next(iter(catalogue.find(dataset).files))
    if not place.exists():
        raise SpecError(
            "there is no such dataset of images",
            where=dataset,
            fix="name a folder, an archive, a Parquet file, or an asset that is one",
        )
    return Reference(place, digest(place), encoder)
