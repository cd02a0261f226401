"""Check files people write, as far as can be done without loading a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast, get_args

from harness.errors import SpecError
from harness.flow.plan import plan
from harness.registry import suggest
from harness.spec.extend import load_policy
from harness.spec.load import load
from harness.spec.misfits import unreadable
from harness.spec.schema import Kind, schema
from harness.spec.suite import SuiteSpec
from harness.spec.waiver import load_waivers

_KINDS: tuple[str, ...] = get_args(Kind)


def validate(path: Path) -> str:
    """Check one suite, policy or file of waivers, and say in a line what it holds.

    A policy is checked together with everything it extends.

    Raises:
        SpecError: It does not fit; every misfit is named with its line.
        WaiverError: It is a file of waivers, and does not fit.
        PluginError: A suite names a plug-in that is not there.
    """
    kind = _kind(path)
    if kind == "Policy":
        policy = load_policy(path)
        return f"policy {policy.metadata.name}, {len(policy.rules)} rules"
    if kind == "Waivers":
        excused = load_waivers(path)
        return f"waivers {excused.metadata.name}, {len(excused.waivers)} waivers"
    planned = plan(load(path, SuiteSpec), path.parent)
    return (
        f"suite {planned.suite.metadata.name}, {len(planned.prompts)} prompts x "
        f"{len(planned.arms)} arms = {planned.size} cases, {len(planned.scorers)} scorers"
    )


def schema_of(kind: str) -> dict[str, Any]:
    """Give the JSON schema of a kind of file.

    Raises:
        SpecError: There is no such kind.
    """
    if kind not in _KINDS:
        hint = suggest(kind, _KINDS) or f"one of {', '.join(_KINDS)}"
        raise SpecError(f"there is no schema called {kind!r}", fix=hint)
    return schema(cast("Kind", kind))


def _kind(path: Path) -> str:
    """Read which kind a file says it is; anything unclear is checked as a suite."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise unreadable(path, error) from error
    found = re.search(r"^kind:\s*(\w+)", text, re.MULTILINE)
    return found[1] if found else "Suite"
