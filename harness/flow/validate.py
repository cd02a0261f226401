"""Check files people write, as far as can be done without loading a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast, get_args

from harness.errors import SpecError
from harness.flow.granted import check_waivers
from harness.flow.plan import Plan, plan
from harness.flow.policy.fit import check_fit
from harness.registry import suggest
from harness.spec.extend import load_policy
from harness.spec.load import load
from harness.spec.misfits import unreadable
from harness.spec.schema import Kind, schema
from harness.spec.suite import SuiteSpec
from harness.spec.waiver import load_waivers

_KINDS: tuple[str, ...] = get_args(Kind)
_NAMES = tuple(kind.capitalize() for kind in _KINDS)
_KIND_LINE = re.compile(r"""^["']?kind["']?[ ]*:[ ]*["']?([\w-]+)""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Checked:
    """What each file holds, by its path, and which rules cannot be decided here."""

    summaries: dict[str, str]
    notes: tuple[str, ...]


def validate_together(paths: Sequence[Path], today: date) -> Checked:
    """Check files, then each policy against the suites and waivers given with it.

    Args:
        paths: Suites, policies and files of waivers.
        today: The day, on which each waiver has to be in force.

    Raises:
        SpecError: One does not fit, or a policy names what a suite has not.
        WaiverError: Waivers do not fit, are not in force, or are for no rule that
            could be waived.
        PluginError: A suite names a plug-in that is not there.
    """
    summaries = {str(path): validate(path) for path in paths}
    kinds = {path: _kind(path) for path in paths}
    suites = tuple(_planned(path) for path, kind in kinds.items() if kind == "Suite")
    policies = {p: load_policy(p) for p, kind in kinds.items() if kind == "Policy"}
    notes = [
        note
        for path, policy in policies.items()
        for suite in suites or (None,)
        for note in check_fit(path, policy, suite, suites)
    ]
    for path, kind in kinds.items():
        if kind == "Waivers":
            check_waivers(path, today, list(policies.values()))
    return Checked(summaries, tuple(notes))


def validate(path: Path) -> str:
    """Check one suite, policy or file of waivers by itself, and say in a line what it holds.

    A policy is checked together with everything it extends. Whether a waiver is
    in force is a matter of the day: `validate_together` checks it.

    Raises:
        SpecError: It does not fit; every misfit is named with its line.
        WaiverError: It is a file of waivers, and does not fit.
        PluginError: A suite names a plug-in that is not there.
    """
    kind = _kind(path)
    if kind == "Policy":
        policy = load_policy(path)
        return f"policy {policy.metadata.name}, {_count(len(policy.rules), 'rule')}"
    if kind == "Waivers":
        excused = load_waivers(path)
        return f"waivers {excused.metadata.name}, {_count(len(excused.waivers), 'waiver')}"
    planned = _planned(path)
    return (
        f"suite {planned.suite.metadata.name}, {_count(len(planned.prompts), 'prompt')} x "
        f"{_count(len(planned.arms), 'arm')} = {_count(planned.size, 'case')}, "
        f"{_count(len(planned.scorers), 'scorer')}"
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
    """Read which kind a file says it is; one that says nothing is checked as a suite.

    Raises:
        SpecError: It cannot be read, or says a kind that there is not.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    found = _KIND_LINE.search(text)
    if found and found[1] not in _NAMES:
        line = text.count("\n", 0, found.start()) + 1
        hint = suggest(found[1].capitalize(), _NAMES) or f"one of {', '.join(_NAMES)}"
        raise SpecError(f"there is no kind {found[1]!r}", where=f"{path}:{line}", fix=hint)
    return found[1] if found else "Suite"


def _planned(path: Path) -> Plan:
    return plan(load(path, SuiteSpec), path.parent)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
