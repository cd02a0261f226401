"""What a verdict is about: a model's files and settings, under one digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from harness import digests
from harness.errors import AlteredError, RefusedError
from harness.ledger.listing import list_files

Identity = Literal["weights", "declared", "corpus", "code"]
_SETTINGS = ("plugin", "options", "packages", "strategies")
_ADDED = ("folder", "strategies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was evaluated. `digest` covers `identity`, `files` and `config`, and no path.

    `name` is the generator's name in the suite. `identity` says what is vouched
    for: weights on disk, an endpoint, a file of outputs, or only code. `files`
    are the model's files with their sha256. `config` holds options, package
    versions and sampling strategies. `evaluated` digests the identity as the
    run's manifest holds it, which ties the subject to a run; `digest` leaves out
    what does not make another model: names, places and the harness's own source.
    """

    name: str
    identity: Identity
    files: Mapping[str, str]
    config: Mapping[str, Any]
    evaluated: str
    digest: str

    @property
    def stored(self) -> Mapping[str, str]:
        """The files a registered version must hold: none unless weights are vouched for."""
        return self.files if self.identity == "weights" else {}


def subject_of(name: str, identity: Mapping[str, Any]) -> Subject:
    """Digest what a generator's identity stands for.

    Args:
        name: The generator's name in the suite.
        identity: What `bind` made of it, as `Bound.identity` or the run's manifest
            holds it, with `strategies` (name to sampling parameters) and, for
            weights, `folder`: where the model's files lie.

    Raises:
        RefusedError: Weights are vouched for, and no folder is given.
        AlteredError: The folder holds a link, or a file other than the one the run used.
    """
    kind: Identity = identity["kind"]
    if kind not in get_args(Identity):
        raise RefusedError(f"no identity is called {kind!r}", where=name)
    claims = {str(key): str(value) for key, value in identity.get("weights", {}).items()}
    folder = Path(identity["folder"]) if identity.get("folder") else None
    files = _files(name, folder, claims) if kind == "weights" else claims
    config = {key: identity[key] for key in _SETTINGS if key in identity}
    config["options"] = _placeless(config.get("options", {}), folder)
    manifest = {"identity": kind, "files": files, "config": config}
    return Subject(
        name=name,
        identity=kind,
        files=files,
        config=config,
        evaluated=evaluated(identity),
        digest=digests.of_json(manifest),
    )


def evaluated(identity: Mapping[str, Any]) -> str:
    """Digest an identity as a run's manifest holds it, without what was added for a subject."""
    return digests.of_json({k: v for k, v in identity.items() if k not in _ADDED})


def manifest_of(subject: Subject) -> dict[str, Any]:
    """The subject as plain JSON, as it is stored beside the model's files."""
    return {
        "schema": "harness/subject/v1",
        "identity": subject.identity,
        "files": dict(subject.files),
        "config": dict(subject.config),
        "digest": subject.digest,
    }


def _files(name: str, folder: Path | None, claims: Mapping[str, str]) -> dict[str, str]:
    if folder is None:
        raise RefusedError(
            "the model's files are not on this machine, so they cannot be vouched for",
            where=name,
            fix="fetch them: harness assets pull, or name a local folder in the suite",
        )
    files = list_files(folder)
    other = sorted(key for key in claims.keys() & files.keys() if claims[key] != files[key])
    if other:
        raise AlteredError(
            "the model's files are not the ones that were evaluated",
            where=f"{folder}: {', '.join(other)}",
            fix="restore them, or run the suite again",
        )
    return files


def _placeless(options: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    """Leave out options that only say where the folder is: its bytes are digested instead."""
    return {
        key: value
        for key, value in options.items()
        if not (folder is not None and isinstance(value, str) and _names(value, folder))
    }


def _names(value: str, folder: Path) -> bool:
    steps = [step for step in Path(value).parts if step not in (".", "..", "/")]
    return bool(steps) and list(folder.resolve().parts[-len(steps) :]) == steps
