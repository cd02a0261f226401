"""Pipelines of diffusers on disk: found by name, known by digest, read and never run.

A pipeline is named by an asset of the catalogue, a local folder, or a hub id
with a pinned revision that is in the hub's cache already. What it is can be
read from its `model_index.json` without importing anything heavy.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from harness import digests
from harness.assets import cache, catalogue
from harness.encoders import language_model
from harness.encoders.language_model import ModelSource
from harness.errors import AssetError

INDEX = "model_index.json"
UNCONDITIONAL = ("DDPMPipeline", "DDIMPipeline")
_GUARD = "safety_checker"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
SAFE = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""The suffixes of files that are read: weights, settings, vocabularies, templates."""
TRUSTED = (*SAFE, *_PICKLES)
"""The same, and pickled weights."""


@dataclass(frozen=True, slots=True)
class Index:
    """What a pipeline's own files say of it.

    `components`: name -> (library, class), without those that are absent.
    `train_steps`: how many noise levels it was trained with, where it says so.
    """

    pipeline: str
    components: Mapping[str, tuple[str, str]]
    train_steps: int | None

    @property
    def textual(self) -> bool:
        """Whether it draws what a text asks for."""
        return self.pipeline not in UNCONDITIONAL

    @property
    def scheduler(self) -> str:
        """The class of the scheduler it has when loaded."""
        # The pipeline turns whatever it was saved with into this one.
        if self.pipeline == "DDIMPipeline":
            return "DDIMScheduler"
        return self.components.get("scheduler", ("", ""))[1]


def find(name: str, revision: str | None, kinds: tuple[str, ...] = SAFE) -> ModelSource:
    """Say what a pipeline's name stands for, and digest what identifies it, without loading it.

    Args:
        name: An asset, a folder, or a hub id `owner/model`.
        revision: 40 hex digits; required for a hub id.
        kinds: `SAFE`, or `TRUSTED` where pickled weights are read too.

    Raises:
        SpecError: The name is none of these, or a hub id has no pinned revision.
        AssetError: A folder holds no pipeline, or one of its models is a pickle.
    """
    folder = Path(name).expanduser()
    if name in catalogue.ASSETS or not folder.is_dir():
        return language_model.find(name, revision)
    return ModelSource(str(folder.resolve()), None, _files(folder, kinds))


def place(source: ModelSource, kinds: tuple[str, ...] = SAFE) -> Path:
    """Find the folder of a pipeline.

    Raises:
        AssetError: It has not been fetched.
    """
    if source.revision is None:
        return source.folder()
    return _snapshot(source.name, source.revision, kinds)


def guard(source: ModelSource) -> Literal["present", "none", "as in the revision"]:
    """Say whether a pipeline blacks out pictures by a safety checker, before it is fetched."""
    if source.revision is not None:
        return "as in the revision"
    if source.assets:
        named = any(file.startswith(f"{_GUARD}/") for file in source.weights)
    else:
        named = _GUARD in read(Path(source.name)).components
    return "present" if named else "none"


def read(folder: Path) -> Index:
    """Read what a pipeline is.

    Raises:
        AssetError: The folder is no pipeline of diffusers, or brings code of its own.
    """
    told = _json(folder / INDEX)
    kind = told.get("_class_name")
    if not isinstance(kind, str):
        raise AssetError(
            "the pipeline is code of its own" if kind else "the file names no pipeline",
            where=str(folder / INDEX),
            fix="give a pipeline of diffusers itself; code beside a model is never run",
        )
    components = {
        name: (value[0], value[1])
        for name, value in told.items()
        if isinstance(value, list)
        and len(value) == 2
        and all(isinstance(v, str) for v in value)
    }
    settings = folder / "scheduler" / "scheduler_config.json"
    steps = _json(settings).get("num_train_timesteps") if settings.is_file() else None
    return Index(kind, components, steps if isinstance(steps, int) else None)


def _json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise AssetError(
            f"the folder holds no {path.name}",
            where=str(path.parent),
            fix="give a folder as diffusers' `save_pretrained` writes it",
        ) from error
    except (OSError, ValueError) as error:
        raise AssetError(f"{path.name} cannot be read: {error}", where=str(path)) from error
    if not isinstance(told, dict):
        raise AssetError(f"{path.name} is no JSON object", where=str(path))
    return told


def _files(folder: Path, kinds: tuple[str, ...]) -> dict[str, str]:
    """Digest each file that can change a picture, by its path in the folder."""
    components = read(folder).components
    paths = sorted(_relevant(folder, TRUSTED))
    if not any(path.suffix in (".safetensors", *_PICKLES) for path in paths):
        raise AssetError("the pipeline's folder holds no weights", where=str(folder))
    if kinds == SAFE:
        _refuse_pickles(folder, components, paths)
    return {
        path.relative_to(folder).as_posix(): digests.of_file(path)
        for path in paths
        if path.suffix in kinds
    }


def _relevant(folder: Path, kinds: tuple[str, ...]) -> Iterable[Path]:
    for path in folder.rglob("*"):
        hidden = any(step.startswith(".") for step in path.relative_to(folder).parts)
        if path.suffix in kinds and path.is_file() and not hidden:
            yield path


def _refuse_pickles(folder: Path, components: Iterable[str], paths: Iterable[Path]) -> None:
    held: dict[str, list[Path]] = {}
    for path in paths:
        held.setdefault(path.relative_to(folder).parts[0], []).append(path)
    for name in components:
        files = held.get(name, [])
        pickled = [path for path in files if path.suffix in _PICKLES]
        if pickled and not any(path.suffix == ".safetensors" for path in files):
            raise AssetError(
                f"{name!r} of the pipeline has only pickled weights ({pickled[0].name})",
                where=str(folder / name),
                fix="give safetensors: loading a pickle can run code; or, if you trust whoever "
                "made it, add `allow_pickle: true`",
            )


def _snapshot(name: str, revision: str, kinds: tuple[str, ...]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = Path(snapshot_download(name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError as error:
        spare = " --exclude '*.bin' --exclude '*.ckpt'" if kinds == SAFE else ""
        raise AssetError(
            f"{name} at {revision[:12]} is not in the hub's cache",
            fix=f"hf download {name} --revision {revision}{spare}",
        ) from error
    paths = sorted(_relevant(found, kinds))
    # A snapshot fetched in part may grow later: another list of files is another copy.
    listed = [[path.relative_to(found).as_posix(), path.stat().st_size] for path in paths]
    known = f"{name.replace('/', '--')}-{revision}-{digests.of_json(listed)[:12]}"
    target = cache.root() / "hub" / known
    if not target.is_dir():
        _plain_copy(found, paths, target)
    return target


def _plain_copy(snapshot: Path, paths: Iterable[Path], target: Path) -> None:
    """Give a snapshot's files without the hub's links, which no digest can vouch for."""
    scratch = target.with_name(f"{target.name}.{uuid4().hex[:8]}.tmp")
    try:
        for path in paths:
            copy = scratch / path.relative_to(snapshot)
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path.resolve(), copy)
            except OSError:
                shutil.copyfile(path.resolve(), copy)
        scratch.rename(target)
    except OSError:
        # Another process may have made it meanwhile: the same bytes.
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
