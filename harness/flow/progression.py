"""How far a sequential gate went: which prompts come when, and what was spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Literal

from harness import digests
from harness.engine.store import Store
from harness.flow.evidence import ArmName, Evidence
from harness.metrics.stats.sample_size import prompts_needed
from harness.records import Finding, Metric, Progression, Prompt, Verdict
from harness.spec.policy import PolicySpec, Rule

NAME = "sequence.json"
FIRST, GROWTH = 50, 1.25
_LEAST_ROUND = 0.25


def looks_of(prompts: int, budget: int | None = None) -> tuple[int, ...]:
    """How many prompts have been asked at each look: 50, then a quarter more each time.

    The looks are fixed before anything is generated, since bounds that hold at
    every look have to know how often one looks.

    Args:
        prompts: Distinct prompts of the suite.
        budget: The most prompts to ask; all when left out.

    >>> looks_of(200), looks_of(1000, 120)
    ((50, 63, 79, 98, 123, 153, 200), (50, 63, 79, 120))
    """
    last = min(prompts, budget or prompts)
    found: list[int] = []
    size = float(FIRST)
    while ceil(size) < last:
        found.append(ceil(size))
        size *= GROWTH
    if len(found) > 1 and last - found[-1] < _LEAST_ROUND * found[-1]:
        found.pop()
    return (*found, last)


def in_order(prompts: Sequence[Prompt], seed: int) -> list[Prompt]:
    """The prompts in the random order they are asked in, which the suite's seed fixes.

    Each look then sees a random sample of the suite, whatever its file's order.
    """
    return sorted(
        prompts, key=lambda p: digests.of_bytes(f'["order",{seed},"{p.prompt_id}"]'.encode())
    )


def partial(store: Store) -> frozenset[ArmName]:
    """The arms that were stopped before the suite's last prompt."""
    return frozenset(arm for arm, used, planned, _ in _arms(store) if used < planned)


def progressions(
    store: Store,
    verdicts: Sequence[Verdict],
    evidence: Evidence,
    policy: PolicySpec | None,
) -> tuple[Progression, ...]:
    """What a sequential run spent on each arm; nothing for a run of fixed size."""
    if policy is None:
        return ()
    by_arm = {(v.generator, v.strategy): v for v in verdicts}
    looks = store.read_json(NAME)["looks"] if (store.root / NAME).is_file() else []
    return tuple(
        Progression(
            generator=arm[0],
            strategy=arm[1],
            used=used,
            planned=planned,
            fixed=_fixed(by_arm[arm], evidence, policy)
            if arm in by_arm and stopped == "decided"
            else None,
            looks=looks.index(used) + 1,
            allowed=len(looks),
            stopped=stopped,
        )
        for arm, used, planned, stopped in _arms(store)
    )


def _arms(
    store: Store,
) -> Iterator[tuple[ArmName, int, int, Literal["decided", "budget"]]]:
    if not (store.root / NAME).is_file():
        return
    held = store.read_json(NAME)
    for item in held["arms"]:
        stopped: Literal["decided", "budget"] = "decided" if item["decided"] else "budget"
        yield (item["generator"], item["strategy"]), item["used"], held["prompts"], stopped


def _fixed(verdict: Verdict, evidence: Evidence, policy: PolicySpec) -> int | None:
    """The prompts with which a fixed plan would just have decided as this one did.

    Taken at the rates seen, with no reserve for chance, so it is the least a
    fixed plan could have been.
    """
    rules = {rule.id: rule for rule in policy.rules}
    needs = [
        _needed(finding, rules[finding.rule], evidence)
        for finding in verdict.findings
        if finding.severity in ("legal", "block") and finding.rule in rules
    ]
    return max((need for need in needs if need is not None), default=None)


def _needed(finding: Finding, rule: Rule, evidence: Evidence) -> int | None:
    require = rule.require
    metric = _metric(finding, evidence.metrics)
    if require is None or metric is None or metric.value is None or require.op == "==":
        return None
    if metric.kind != "Proportion" or finding.outcome not in ("pass", "fail"):
        return None
    passing = finding.outcome == "pass"
    good: Literal["<=", ">="] = "<=" if require.op == "<=" else ">="
    bad: Literal["<=", ">="] = ">=" if good == "<=" else "<="
    return prompts_needed(
        metric.value,
        require.value,
        good if passing else bad,
        metric.confidence,
        design_effect=metric.design_effect or 1.0,
        per_prompt=metric.n / metric.clusters,
    )


def _metric(finding: Finding, metrics: Sequence[Metric]) -> Metric | None:
    wanted = (finding.metric, finding.slice, finding.value, finding.n)
    return next((m for m in metrics if (m.name, m.slice, m.value, m.n) == wanted), None)
