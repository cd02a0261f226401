"""Where each rule of a policy is written, file and line, through everything it extends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.spec.library import packs
from harness.spec.load import load
from harness.spec.misfits import Misfits
from harness.spec.policy import PolicySpec
from harness.spec.strict_yaml import read


@dataclass(frozen=True, slots=True)
class Place:
    """A rule's `file:line`, and whether the file is a pack rather than somebody's own."""

    line: str = ""
    packed: bool = False


def places(path: Path) -> dict[str, Place]:
    """Place each rule by its id; a rule that overrides another is where it is.

    Raises:
        SpecError: A file does not fit.
    """
    own = load(path, PolicySpec)
    found: dict[str, Place] = {}
    for item in own.extends:
        found |= places(path.parent / item.file if item.file else packs()[str(item.pack)])
    source = read(path.read_text(encoding="utf-8-sig"), Misfits(str(path)))
    for number, rule in enumerate(own.rules):
        line = f"{path}:{source.line(('rules', number))}"
        found[rule.id] = Place(line, packed=own.pack is not None)
    return found
