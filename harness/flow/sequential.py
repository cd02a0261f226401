"""Generate in rounds, and stop as soon as every blocking rule is decided.

Looking at a fixed-size interval after every round and stopping when it suits
is how a gate fools itself. Here the bounds hold at every look together: betting
confidence sequences for rates and bounded means, and for other numbers an
interval at a confidence divided among the looks. An arm that is decided gets
no more prompts; the others go on until they are, or until the budget is spent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.engine.store import Store
from harness.flow.assess import verdicts_of
from harness.flow.generate import generate
from harness.flow.judge import BLOCKING
from harness.flow.plan import Arm, Plan
from harness.flow.progress import Progress
from harness.flow.progression import NAME, in_order
from harness.flow.rules import Rules, prepare
from harness.flow.score import score
from harness.protocols import Executor
from harness.records import Prompt, Verdict
from harness.spec.packed import Prompts
from harness.spec.policy import PolicySpec

_UNMOVED = ("missing_metric", "digest_mismatch", "unplanned_retry", "stale")
"""What no further sample can change."""


def collect_in_rounds(
    planned: Plan, store: Store, executor: Executor, rules: Rules, progress: Progress
) -> None:
    """Generate and score round by round, until each arm is decided or all looks are taken.

    The cases of a round are written down before it is generated, so that what
    does not come back is missing, not forgotten.
    """
    order = in_order(planned.prompts, planned.suite.seed)
    used = dict.fromkeys((arm.label for arm in planned.arms), 0)
    going = list(planned.arms)
    before = 0
    for look in planned.looks:
        used |= dict.fromkeys((arm.label for arm in going), look)
        _write_cases(planned, store, order, used)
        _note(planned, store, used, going)
        part = replace(
            planned, prompts=Prompts(order[before:look]).longest_first(), arms=tuple(going)
        )
        generate(part, store, executor, progress)
        for scorer in part.scorers:
            score(part, scorer, store, executor, progress)
        prepare(store, rules)
        names = {rule.metric for rule in rules.policy.rules if rule.metric}
        verdicts = verdicts_of(store, rules.policy, rules.today, names)
        open_ = {(v.generator, v.strategy) for v in verdicts if not decided(v, rules.policy)}
        going = [a for a in going if (a.generator.name, a.strategy.name) in open_]
        _note(planned, store, used, going)
        before = look
        if not going:
            return


def decided(verdict: Verdict, policy: PolicySpec) -> bool:
    """Whether more samples can no longer change what any blocking rule says."""
    return all(
        finding.outcome != "inconclusive" or finding.cause in _UNMOVED
        for finding in verdict.findings
        if finding.severity in BLOCKING
    )


def _write_cases(
    planned: Plan, store: Store, order: Sequence[Prompt], used: Mapping[str, int]
) -> None:
    """Write down the cases of every arm, as far as it is to go."""
    store.write_cases(
        case
        for arm in planned.arms
        for case in replace(
            planned, prompts=Prompts(order[: used[arm.label]]).longest_first(), arms=(arm,)
        ).cases(arm)
    )


def _note(planned: Plan, store: Store, used: Mapping[str, int], going: Sequence[Arm]) -> None:
    """Write down how far each arm is to go, and which are decided."""
    still = {arm.label for arm in going}
    store.write_json(
        NAME,
        {
            "prompts": len(planned.prompts),
            "looks": list(planned.looks),
            "arms": [
                {
                    "generator": arm.generator.name,
                    "strategy": arm.strategy.name,
                    "used": used[arm.label],
                    "decided": arm.label not in still,
                }
                for arm in planned.arms
            ],
        },
    )
