"""The suites, policies and report templates that come with the harness, and where they lie.

In an installed wheel they are package data under `harness/library`; in a
checkout they are the top-level folders, so that people find them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from harness.errors import HarnessError, SpecError
from harness.registry import suggest

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(kind: Literal["suites", "policies", "reports"]) -> Path:
    """Find the folder that holds the shipped files of a kind.

    Raises:
        HarnessError: This installation has no such folder.
    """
    for place in (_PACKAGE / "library" / kind, _PACKAGE.parent / kind):
        if place.is_dir():
            return place
    raise HarnessError(
        f"the {kind} that come with the harness are not installed",
        where=str(_PACKAGE / "library" / kind),
        fix="install the harness again from its wheel, or run it from a whole checkout",
    )


def names(kind: Literal["suites", "policies"]) -> tuple[str, ...]:
    """Name each shipped file of a kind, without its `.yaml`, in order."""
    return tuple(sorted(path.stem for path in folder(kind).glob("*.yaml")))


def packs() -> dict[str, Path]:
    """Give each shipped pack's file by the pack's name, in order."""
    return {path.stem: path for path in sorted((folder("policies") / "packs").glob("*.yaml"))}


def resolve(kind: Literal["suites", "policies"], name: str) -> Path:
    """Find a file by path, or a shipped one by its name; a pack is a policy too.

    Raises:
        SpecError: It is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = {one: folder(kind) / f"{one}.yaml" for one in names(kind)}
    if kind == "policies":
        shipped = packs() | shipped
    if name in shipped:
        return shipped[name]
    hint = suggest(name, shipped) or f"shipped ones: {', '.join(shipped)}"
    raise SpecError(f"there is no file or shipped one called {name!r} among {kind}", fix=hint)
