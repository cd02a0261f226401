"""Check files people write, as far as can be done without loading a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, cast

from harness.errors import SpecError
from harness.flow.plan import plan
from harness.registry import suggest
from harness.spec.load import load
from harness.spec.misfits import unreadable
from harness.spec.policy import PolicySpec
from harness.spec.schema import schema
from harness.spec.suite import SuiteSpec

_KINDS = ("suite", "policy")


def validate(path: Path) -> str:
    """Check one suite or policy, and say in a line what it holds.

    Raises:
        SpecError: It does not fit; every misfit is named with its line.
        PluginError: A suite names a plug-in that is not there.
    """
    if _kind(path) == "Policy":
        policy = load(path, PolicySpec)
        return f"policy {policy.metadata.name}, {len(policy.rules)} rules"
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
        hint = suggest(kind, _KINDS) or "suite or policy"
        raise SpecError(f"there is no schema called {kind!r}", fix=hint)
    return schema(cast('Literal["suite", "policy"]', kind))


def _kind(path: Path) -> str:
    """Read which kind a file says it is; anything unclear is checked as a suite."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise unreadable(path, error) from error
    found = re.search(r"^kind:\s*(\w+)", text, re.MULTILINE)
    return found[1] if found else "Suite"
