"""Seal a run: one digest that stands for every file in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import digests, durable
from harness.errors import AlteredError
from harness.ledger.listing import list_files

SEAL, DECISION = "seal.json", "decision.json"
LATER = frozenset({SEAL, "record.json", "decision.dsse.json", ".lock", ".sealed"})
"""What lies in a run's folder beside its evidence; written after sealing, or empty."""
RULES = ("policy.json", "waivers.json")
"""What a run was judged by."""
MEASURED = (
    "cases/", "outputs/", "features/", "references/", "scores/", "media/", "suite.json",
    "manifest.json", "sequence.json",
)  # fmt: skip
"""What a verdict is derived from; everything else in a run is derived, or brought to it."""


def seal(root: Path) -> str:
    """Write the seal of a finished run, and return its root digest.

    A seal shows a change only to someone who learnt the root digest elsewhere,
    so `record` writes it to MLflow as well. An unchanged run gets the same seal.

    Args:
        root: The run's folder.

    Returns:
        Sha256 in hex.

    Raises:
        AlteredError: The folder is absent, or holds a link.
    """
    files = list_files(root, _beside)
    top = digests.of_tree(files)
    durable.write(root / SEAL, _bytes(files, top))
    return top


def sealed_bytes(root: Path) -> bytes:
    """The bytes that the seal of a folder has if nobody touched it."""
    files = list_files(root, _beside)
    return _bytes(files, digests.of_tree(files))


def verify(root: Path, expected: str | None = None) -> str:
    """Digest every file again, and compare with the seal, and the seal with `expected`.

    Args:
        root: The run's folder.
        expected: The root digest learnt when the run was sealed, in hex.

    Returns:
        The root digest.

    Raises:
        AlteredError: A file was added, removed or changed, or this is another seal.
    """
    sealed = _read(root / SEAL)
    now = list_files(root, _beside)
    then = sealed["files"]
    changes = _changes(now, then)
    if changes:
        raise AlteredError(
            f"the run was changed after it was sealed, in {len(changes)} places"
            if len(changes) > 1
            else "the run was changed after it was sealed",
            where="\n         ".join(changes),
            fix="restore these files, or run the suite again in a new folder",
        )
    top = digests.of_tree(now)
    if top != sealed["root"]:
        raise AlteredError("the seal contradicts itself", where=str(root / SEAL))
    if expected is not None and top != expected:
        raise AlteredError(
            "the run was changed and sealed again",
            where=f"{root}: the seal is {top[:12]}, expected {expected[:12]}",
            fix="restore the folder, or record and judge the run anew",
        )
    return top


def verify_measured(root: Path) -> None:
    """Check that what was asked, generated and scored is what was sealed, before it is used.

    What is derived from it may differ, since it is about to be made again. A
    run that was never finished has promised nothing; a finished one is sealed.

    Raises:
        AlteredError: A case, an output or a score was added, removed or changed, or the
            run was decided and its seal is gone.
    """
    if not (root / SEAL).exists():
        if (root / DECISION).exists():
            raise unsealed(root)
        return
    if changes := _changes_of(root, MEASURED):
        raise AlteredError(
            "what was generated or scored was changed after it was sealed",
            where="\n         ".join(changes),
            fix="restore these files, or run the suite again in a new folder",
        )


def verify_rules(root: Path) -> None:
    """Check that a sealed run's own policy and waivers are those it was judged by.

    Raises:
        AlteredError: One was added, removed or changed.
    """
    if (root / SEAL).exists() and (changes := _changes_of(root, RULES)):
        raise AlteredError(
            "the run's own rules were changed after it was sealed",
            where="\n         ".join(changes),
            fix="restore these files, or name the policy: --policy FILE",
        )


def _bytes(files: dict[str, str], top: str) -> bytes:
    return durable.json_bytes({"algorithm": "sha256", "files": files, "root": top})


def unsealed(root: Path) -> AlteredError:
    """Say that a run was finished and its seal is gone, so nothing vouches for its scores."""
    return AlteredError(
        "the run was judged before and its seal is gone: nothing vouches for its scores",
        where=str(root / SEAL),
        fix="restore seal.json, or run the suite in a new folder; where a run was stopped, "
        "run it to its end",
    )


def _changes(now: dict[str, str], then: dict[str, str]) -> list[str]:
    changes = [f"added: {name}" for name in sorted(now.keys() - then.keys())]
    changes += [f"removed: {name}" for name in sorted(then.keys() - now.keys())]
    same = sorted(now.keys() & then.keys())
    return changes + [f"changed: {name}" for name in same if now[name] != then[name]]


def _changes_of(root: Path, names: tuple[str, ...]) -> list[str]:
    """What differs from the seal among the files whose names begin so."""
    now = {n: d for n, d in list_files(root, _beside).items() if n.startswith(names)}
    then = {n: d for n, d in _read(root / SEAL)["files"].items() if n.startswith(names)}
    return _changes(now, then)


def _beside(name: str) -> bool:
    return name in LATER or name.endswith(".tmp")


def _read(path: Path) -> dict[str, Any]:
    try:
        sealed = json.loads(path.read_bytes())
        if isinstance(sealed["files"], dict) and isinstance(sealed["root"], str):
            return dict(sealed)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if not path.parent.is_dir():
            raise AlteredError("there is no such run", where=str(path.parent)) from error
        problem = "there is no seal" if isinstance(error, FileNotFoundError) else "unreadable"
        raise AlteredError(
            f"the run is not sealed: {problem}", where=str(path), fix="run the suite to its end"
        ) from error
    raise AlteredError("the run is not sealed: the seal has another form", where=str(path))
