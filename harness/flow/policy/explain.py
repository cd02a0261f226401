"""What would change a verdict: how far each rule is from its limit, counted in outputs.

Nothing is decided here: each count is found by asking the real judge about the
run as it would be, with one output more or fewer of the bad ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from harness.engine.store import Store
from harness.errors import SpecError
from harness.flow import attempts
from harness.flow.evidence import ArmName, Evidence
from harness.flow.judge import BLOCKING, judge
from harness.flow.policy.causes import meaning, urgency
from harness.flow.policy.changes import Change, Changed, StoredChanges
from harness.flow.policy.mutation import alone
from harness.flow.policy.wants import asked as words
from harness.flow.rules import own_policy, stored_waivers
from harness.flow.stored import StoredRun
from harness.flow.terms import Terms
from harness.records import Finding, Metric, Outcome, Verdict
from harness.spec.policy import PolicySpec, Rule
from harness.spec.waiver import Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One finding, and what would make it another.

    `distance` is the value less the limit, and `gap` the bound that has to clear
    the limit, less the limit. Of a rate: with `fewer_bad` bad outputs fewer it would pass,
    and with `scored_good` of the missing scores there, and good. `bears` more bad
    outputs leave a pass a pass, and with `fails_at` more it would fail. `needed`
    prompts would decide it at the value seen.
    """

    rule: str
    slice: str
    severity: str
    outcome: str
    cause: str
    asked: str
    value: float | None
    limit: float
    distance: float | None
    gap: float | None
    n: int
    missing: int
    prompts: int
    needed: int | None
    fewer_bad: int | None = None
    scored_good: int | None = None
    bears: int | None = None
    fails_at: int | None = None
    message: str
    means: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one arm's verdict is what it is; `first` says what decides it."""

    generator: str
    strategy: str
    outcome: str
    first: str
    holding_back: tuple[Explained, ...]
    passing: tuple[Explained, ...]


def explain_run(
    folder: Path, policy: PolicySpec | None, today: date
) -> tuple[Explanation, ...]:
    """Explain a stored run's verdict, by its own policy or another. Only reads.

    Raises:
        AlteredError: The folder holds no run, or its scorers have changed since.
        SpecError: It was never judged.
    """
    store = Store(folder)
    store.read_json("manifest.json")
    asked = policy or own_policy(store)
    if asked is None or not (folder / attempts.FACTS).is_file():
        raise SpecError(
            "this run was never judged, so there is no verdict to explain",
            where=str(folder),
            fix=f"judge it first: `harness judge {folder} --policy POLICY`",
        )
    run = StoredRun(store, asked)
    evidence = run.evidence(asked, today)
    return explain(evidence, asked, stored_waivers(store), StoredChanges(run))


def explain(
    evidence: Evidence, policy: PolicySpec, waivers: Sequence[Waiver], changed: Changed
) -> tuple[Explanation, ...]:
    """Explain the verdict on each arm.

    Args:
        evidence: What the verdict rests on.
        policy: What it is judged by.
        waivers: What was excused.
        changed: Works a rate out again after a change.
    """
    verdicts = judge(evidence, policy, waivers)
    return tuple(_of_arm(v, evidence, policy, changed) for v in verdicts)


def _of_arm(
    verdict: Verdict, evidence: Evidence, policy: PolicySpec, changed: Changed
) -> Explanation:
    arm = (verdict.generator, verdict.strategy)
    blocking = [f for f in verdict.findings if f.severity in BLOCKING]
    open_ = sorted((f for f in blocking if f.outcome not in _DONE), key=urgency)
    passing = [f for f in blocking if f.outcome == "pass"]
    rules = {rule.id: rule for rule in policy.rules}

    def told(finding: Finding) -> Explained:
        rule = rules.get(finding.rule) if finding.kind != "evidence" else None
        again = _Again(arm, rule, finding, (evidence, policy, changed)) if rule else None
        return _explained(finding, words(rule) if rule else finding.asked, again)

    held, kept = tuple(map(told, open_)), tuple(map(told, passing))
    return Explanation(
        generator=arm[0], strategy=arm[1], outcome=verdict.outcome,
        first=_first(held, kept), holding_back=held, passing=kept,
    )  # fmt: skip


_DONE: tuple[Outcome, ...] = ("pass", "not_applicable")
_NUMBERS = ("require", "compare", "conform")


def _first(held: Sequence[Explained], kept: Sequence[Explained]) -> str:
    blocked = [one for one in held if one.outcome != "waived"]
    if blocked:
        one, more = blocked[0], len(blocked) - 1
        rest = f"; {more} more hold it back" if more else "; nothing else holds it back"
        return f"{one.rule} [{one.slice}] decides: {one.outcome}, {one.means}{rest}"
    counted = [one for one in kept if one.bears is not None]
    if counted:
        one = min(counted, key=lambda one: one.bears or 0)
        return f"every blocking rule passes; the tightest is {one.rule} [{one.slice}]"
    return "every blocking rule passes" if kept else "no blocking rule was decided"


def _explained(finding: Finding, asked: str, again: _Again | None) -> Explained:
    means, remedy = meaning(finding) if finding.outcome != "pass" else ("", "")
    bound = finding.high if finding.op in ("<=", "<") else finding.low
    valued = finding.value is not None and finding.kind in _NUMBERS
    plain = Explained(
        rule=finding.rule, slice=finding.slice, severity=finding.severity,
        outcome=finding.outcome, cause=finding.cause, asked=asked,
        value=finding.value, limit=finding.limit, n=finding.n, missing=finding.missing,
        distance=(finding.value or 0.0) - finding.limit if valued else None,
        gap=bound - finding.limit if valued and bound is not None else None,
        prompts=finding.clusters, needed=finding.needed, message=finding.message,
        means=means, remedy=remedy,
    )  # fmt: skip
    if again is None or again.metric is None:
        return plain
    if finding.outcome == "pass":
        return replace(plain, bears=again.bears(), fails_at=again.fails_at())
    return replace(plain, fewer_bad=again.fewer_bad(), scored_good=again.scored_good())


class _Again:
    """Asks the judge about one rule and slice as they would be after a change."""

    def __init__(
        self,
        arm: ArmName,
        rule: Rule,
        finding: Finding,
        of: tuple[Evidence, PolicySpec, Changed],
    ) -> None:
        evidence, policy, self._changed = of
        self._finding, self._policy = finding, alone(policy, rule)
        confidence = Terms.of(rule, policy).confidence
        own = [
            m for m in evidence.metrics
            if (m.generator, m.strategy, m.name) == (*arm, rule.metric)
            and m.confidence == confidence
        ]  # fmt: skip
        self._evidence = replace(evidence, metrics=own)
        self.metric = next((m for m in own if _rests_on(finding, m, rule)), None)
        self._sign = 1 if _bad_are_events(rule) else -1

    def bears(self) -> int | None:
        """How many more bad outputs leave it a pass."""
        good = self._count() - self._bad()
        least = _least(good, lambda k: self._outcome(Change(self._sign * k)) != "pass")
        return good if least is None else least - 1

    def fails_at(self) -> int | None:
        """With how many more bad outputs it would fail; None where it never would."""
        good = self._count() - self._bad()
        return _least(good, lambda k: self._outcome(Change(self._sign * k)) == "fail")

    def fewer_bad(self) -> int | None:
        """With how many bad outputs fewer it would pass; None where that is not enough."""
        return _least(self._bad(), lambda k: self._outcome(Change(-self._sign * k)) == "pass")

    def scored_good(self) -> int | None:
        """How many missing scores would make it pass, were they there and good."""
        missing, event = self.metric.missing if self.metric else 0, self._sign < 0
        return _least(
            missing, lambda k: self._outcome(Change(filled=k, as_event=event)) == "pass"
        )

    def _count(self) -> int:
        return self.metric.n if self.metric else 0

    def _bad(self) -> int:
        if self.metric is None or self.metric.value is None:
            return 0
        events = round(self.metric.value * self.metric.n)
        return events if self._sign > 0 else self.metric.n - events

    def _outcome(self, change: Change) -> Outcome:
        before = self._evidence

        def at(metric: Metric, confidence: float) -> Metric:
            if metric.slice == self._finding.slice:
                return self._changed(metric, change, confidence)
            return before.at(metric, confidence)

        metrics = [
            self._changed(m, change, m.confidence) if m.slice == self._finding.slice else m
            for m in before.metrics
        ]
        (verdict,) = judge(replace(before, metrics=metrics, at=at), self._policy)
        return next(
            f.outcome
            for f in verdict.findings
            if f.kind != "evidence" and f.slice == self._finding.slice
        )


def _rests_on(finding: Finding, metric: Metric, rule: Rule) -> bool:
    """Whether this is the rate whose bad outputs can be counted."""
    counted = metric.kind == "Proportion" and rule.compare is None
    return counted and metric.slice == finding.slice


def _bad_are_events(rule: Rule) -> bool:
    """Of a rate that must be low; where it must be high, bad is what is no event."""
    if rule.require:
        return rule.require.op != ">="
    return rule.conform is not None and rule.conform.expect == "none"


def _least(most: int, holds: Callable[[int], bool]) -> int | None:
    """The least k from 1 to `most` for which it holds, where it does for all larger ones."""
    if most < 1 or not holds(most):
        return None
    lowest, highest = 0, most
    while highest - lowest > 1:
        middle = (lowest + highest) // 2
        lowest, highest = (lowest, middle) if holds(middle) else (middle, highest)
    return highest
