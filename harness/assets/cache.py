"""The folder that pulled assets lie in, and how they are found and checked there.

Each asset lies in `<root>/<name>-<start of its fingerprint>`, so a changed
table entry never finds the files of the old one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from harness import digests
from harness.assets.catalogue import Asset, PathSource, find
from harness.errors import AssetError


def root(environ: Mapping[str, str] = os.environ) -> Path:
    """Name the cache's folder: `$HARNESS_ASSETS`, else `harness/assets` in the user's cache."""
    if chosen := environ.get("HARNESS_ASSETS"):
        return Path(chosen).expanduser()
    user = Path(environ.get("XDG_CACHE_HOME", ""))
    return (user if user.is_absolute() else Path.home() / ".cache") / "harness" / "assets"


def folder(asset: Asset) -> Path:
    """Name the folder an asset belongs in, whether or not it has been pulled."""
    if isinstance(asset.source, PathSource):
        return asset.source.folder.expanduser()
    return root() / f"{asset.name}-{fingerprint(asset.name)[:12]}"


def fingerprint(name: str) -> str:
    """Digest everything the table says of an asset's bytes. Reads no file.

    Raises:
        AssetError: No asset has that name.
    """
    asset = find(name)
    source = {} if isinstance(asset.source, PathSource) else asdict(asset.source)
    return digests.of_json({"name": name, "files": dict(asset.files), "source": source})


def locate(name: str) -> Path:
    """Find the folder of a pulled asset.

    Sizes are checked here, digests when it is pulled and by `verify`: hashing
    a model at each start would cost more than loading it.

    Raises:
        AssetError: No asset has that name, or it is absent or incomplete.
    """
    asset = find(name)
    place = folder(asset)
    try:
        size = sum((place / file).stat().st_size for file in asset.files)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AssetError(
            f"asset {name!r} is absent", where=str(place), fix=_cure(asset)
        ) from error
    if size != asset.size_bytes:
        raise AssetError(
            f"asset {name!r} is {size} bytes, not {asset.size_bytes}",
            where=str(place),
            fix=_cure(asset),
        )
    return place


def verify(name: str) -> Path:
    """Find an asset's folder and hash every file in it.

    Raises:
        AssetError: No asset has that name, it is absent, or a digest differs.
    """
    asset = find(name)
    place = locate(name)
    check(asset, place)
    return place


def check(asset: Asset, place: Path) -> None:
    """Hash an asset's files in a folder.

    Raises:
        AssetError: A file's digest is not the one in the table.
    """
    for file, expected in sorted(asset.files.items()):
        actual = digests.of_file(place / file)
        if actual != expected:
            raise AssetError(
                f"{file} of asset {asset.name!r} has sha256 {actual}, not {expected}",
                where=str(place / file),
                fix=_cure(asset),
            )


def _cure(asset: Asset) -> str:
    if isinstance(asset.source, PathSource):
        return "put the files there"
    return f"run `harness assets pull {asset.name}`"
