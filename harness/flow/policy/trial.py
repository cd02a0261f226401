"""Try a policy before it is relied on: what it must never pass, and rules that are dead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from harness.flow.plan import Plan
from harness.flow.policy.fit import Known, targets
from harness.flow.policy.fixtures import Fixture, try_fixtures
from harness.flow.policy.mutation import Mutant, mutate
from harness.flow.policy.places import Place, places
from harness.flow.policy.traits import of_policy
from harness.spec.extend import load_policy
from harness.spec.policy import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it; `right` where no fixture passed wrongly and no rule is dead.

    A rule is dead, too, that names what is not there: nothing would ever decide it.
    """

    policy: str
    right: bool
    fixtures: tuple[Fixture, ...]
    rules: tuple[Mutant, ...]


def try_policy(path: Path, today: date, suite: Plan | None = None) -> Trial:
    """Judge a policy on made-up evidence: fixtures, and each rule by itself.

    Args:
        path: The policy; what it extends is tried with it.
        today: The day, for documents and waivers.
        suite: Whose scorers say what the metrics are; all of the installation otherwise.

    Raises:
        SpecError: The policy does not fit.
    """
    policy = load_policy(path)
    known, where = Known.of(suite), places(path)
    traits = of_policy(policy, known.own if suite else known.installed)
    fixtures = try_fixtures(policy, traits, today)
    tried = zip(mutate(policy, traits, where, today), policy.rules, strict=True)
    rules = tuple(
        one if one.skipped else
        replace(one, faults=(*one.faults, *_names_nothing(rule, known, where[one.rule])))
        for one, rule in tried
    )  # fmt: skip
    right = all(f.right for f in fixtures) and not any(r.faults for r in rules)
    return Trial(policy=policy.metadata.name, right=right, fixtures=fixtures, rules=rules)


def _names_nothing(rule: Rule, known: Known, place: Place) -> Iterator[str]:
    """What a rule names that is not there; what only this suite lacks is no fault of it."""
    for one in targets(rule, known, place):
        if one.weight == "error":
            yield f"is never decided: {one.said}" + (f"; {one.fix}" if one.fix else "")
