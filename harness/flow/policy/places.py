"""Where each rule of a policy is written, file and line, through everything it extends."""

from __future__ import annotations

from pathlib import Path

from harness.spec.library import packs
from harness.spec.load import load
from harness.spec.misfits import Misfits
from harness.spec.policy import PolicySpec
from harness.spec.strict_yaml import read


def places(path: Path) -> dict[str, str]:
    """Say `file:line` of each rule by its id; a rule that overrides another is where it is.

    Raises:
        SpecError: A file does not fit.
    """
    own = load(path, PolicySpec)
    found: dict[str, str] = {}
    for item in own.extends:
        found |= places(path.parent / item.file if item.file else packs()[str(item.pack)])
    source = read(path.read_text(encoding="utf-8-sig"), Misfits(str(path)))
    for number, rule in enumerate(own.rules):
        found[rule.id] = f"{path}:{source.line(('rules', number))}"
    return found
