"""Try a policy before it is relied on: what it must never pass, and rules that are dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.flow.plan import Plan
from harness.flow.policy.fixtures import Fixture, try_fixtures
from harness.flow.policy.mutation import Mutant, mutate
from harness.flow.policy.places import places
from harness.flow.policy.traits import of_installation, of_policy, of_scorers
from harness.spec.extend import load_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it; `right` where no fixture passed wrongly and no rule is dead."""

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
    known = of_scorers(suite.scorers) if suite else of_installation()
    traits = of_policy(policy, known)
    fixtures = try_fixtures(policy, traits, today)
    rules = mutate(policy, traits, places(path), today)
    right = all(f.right for f in fixtures) and not any(r.faults for r in rules)
    return Trial(policy=policy.metadata.name, right=right, fixtures=fixtures, rules=rules)
