"""Which clauses of laws and standards the rules give evidence for, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.records import Outcome, RunView
from harness.reporters.findings import WORST, arm_names


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule mapped to one clause, with the rule's worst outcome in each arm."""

    clause: str
    rule: str
    relation: str
    outcomes: tuple[Outcome | None, ...]


@dataclass(frozen=True, slots=True)
class Framework:
    """One edition of a law or standard; clause numbers differ between editions."""

    name: str
    edition: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Compliance:
    """Every mapped framework; the outcomes are in the order of the arms."""

    arms: tuple[str, ...]
    frameworks: tuple[Framework, ...]


def compliance(run: RunView) -> Compliance:
    """Gather the policy's clause mappings by framework and edition, clauses in order."""
    gathered: dict[tuple[str, str], list[Clause]] = {}
    for name, edition, clause in _mapped(run):
        gathered.setdefault((name, edition), []).append(clause)
    names = arm_names((v.generator, v.strategy) for v in run.verdicts)
    frameworks = (
        Framework(name, edition, tuple(sorted(found, key=_number)))
        for (name, edition), found in sorted(gathered.items())
    )
    return Compliance(tuple(names.values()), tuple(frameworks))


def _mapped(run: RunView) -> Iterator[tuple[str, str, Clause]]:
    for rule in (run.policy or {}).get("rules") or ():
        outcomes = _outcomes(run, rule["id"])
        for place in rule.get("maps") or ():
            clause = Clause(place["clause"], rule["id"], place["relation"], outcomes)
            yield place["framework"], place["edition"], clause


def _outcomes(run: RunView, rule: str) -> tuple[Outcome | None, ...]:
    found = ([f.outcome for f in v.findings if f.rule == rule] for v in run.verdicts)
    return tuple(min(here, key=WORST.index) if here else None for here in found)


def _number(clause: Clause) -> str:
    """Order clause 5.2 before 5.10; clauses without a number stay as the policy has them."""
    padded, numbers = re.subn(r"\d+", lambda digits: digits.group().zfill(8), clause.clause)
    return padded if numbers else ""
