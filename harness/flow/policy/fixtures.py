"""Evidence on which no policy may pass, and a planted perfect model that should."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from harness.errors import WaiverError
from harness.flow.evidence import Difference, Evidence, Gap, Question
from harness.flow.judge import BLOCKING, judge, overall
from harness.flow.policy.models import perfect, terrible
from harness.flow.policy.planted import ARM, SUBJECT
from harness.flow.policy.traits import Traits
from harness.records import Attempt, Finding, Metric, Outcome
from harness.spec.policy import PolicySpec, Rule
from harness.spec.waiver import Waiver

_UNSCORED = 0.05
_MISSING = "coverage"
_WORST = "every metric at its worst"
_CAUSES = ("missing_metric", "digest_mismatch", "stale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """A piece of evidence, what the policy makes of it, and whether that is right.

    `outcome` is a verdict, `refused` where judging is an error, or `unused`
    where the policy asks for nothing that the fixture could spoil.
    """

    name: str
    outcome: str
    right: bool
    says: str


Spoilt = Sequence[tuple[str, Evidence]]
"""Evidence that lacks something, and the name of what it lacks."""


def try_fixtures(
    policy: PolicySpec, traits: Mapping[str, Traits], today: date
) -> tuple[Fixture, ...]:
    """Judge the policy on each fixture with the real judge."""
    good = perfect(policy, traits, today)
    rules = [
        rule for rule in policy.rules
        if rule.severity in BLOCKING and rule.id not in policy.not_applicable
    ]  # fmt: skip
    names = list(dict.fromkeys(rule.metric for rule in rules if rule.metric))
    return (
        _never("no evidence at all", [("everything", Evidence(metrics=()))], policy),
        _never("a metric missing", _each(good, names, _absent), policy),
        _never("a value that is None", _each(good, names, _none), policy),
        _never("a value that is NaN", _each(good, names, _nan), policy),
        _never("5 % unscored or more", _each(good, _read(names), _unscored(policy)), policy),
        _never("all scores errored", _each(good, names, _errored), policy),
        _never("an empty slice", _empty_slices(good, rules), policy),
        _never("wrong digest", list(_strangers(good, policy, rules)), policy),
        _never("an unplanned retry", [("the first try", _tried(good, policy))], policy),
        _expired(policy, terrible(policy, traits, today), rules, today),
        _never("a planted bad model", [(_WORST, terrible(policy, traits, today))], policy),
        _passes(good, policy),
    )


def verdict_of(evidence: Evidence, policy: PolicySpec) -> tuple[Outcome, list[Finding]]:
    """What a policy says of evidence, and the blocking findings that are no pass."""
    verdicts = judge(evidence, policy)
    findings = [
        f for v in verdicts for f in v.findings
        if f.severity in BLOCKING and f.outcome not in ("pass", "not_applicable")
    ]  # fmt: skip
    return overall([v.outcome for v in verdicts]), findings


def _never(name: str, spoilt: Spoilt, policy: PolicySpec) -> Fixture:
    """None of these may pass."""
    if not spoilt:
        said = "nothing that blocks rests on this"
        return Fixture(name=name, outcome="unused", right=True, says=said)
    outcomes = {what: verdict_of(evidence, policy)[0] for what, evidence in spoilt}
    passed = [what for what, outcome in outcomes.items() if outcome == "pass"]
    if passed:
        said = f"PASSES all the same: {', '.join(passed)}"
        return Fixture(name=name, outcome="pass", right=False, says=said)
    said = (
        f"of each in turn: {', '.join(outcomes)}" if len(outcomes) > 1 else next(iter(outcomes))
    )
    return Fixture(name=name, outcome=overall(list(outcomes.values())), right=True, says=said)


def _each(
    good: Evidence, names: Sequence[str], spoil: Callable[[Metric], Metric | None]
) -> list[tuple[str, Evidence]]:
    """The perfect model with one metric spoilt, for each metric that can block."""
    found = []
    for name in names:
        kept = [spoil(m) if m.name == name else m for m in good.metrics]
        left = [m for m in kept if m is not None]
        spoilt = replace(good, metrics=left, contrast=_spoilt(good, name, spoil))
        found.append((name, spoilt))
    if len(names) == 1:  # one that is gone takes the arm with it: leave the arm something
        witness = replace(good.metrics[0], name="planted.witness")
        found = [(n, replace(e, metrics=[*e.metrics, witness])) for n, e in found]
    return found


def _spoilt(
    good: Evidence, name: str, spoil: Callable[[Metric], Metric | None]
) -> Callable[[Question], Difference | Gap]:
    """A difference lacks what the metric it is made of lacks."""

    def answer(question: Question) -> Difference | Gap:
        found = good.contrast(question)
        if question.metric != name or isinstance(found, Gap):
            return found
        metric = spoil(found.metric)
        if metric is None:
            return Gap("missing_metric", "no scorer of this run measures it")
        if name.endswith(f".{_MISSING}") and metric.value == 0.0:
            metric = _beneath(metric, question.scale * (found.theirs or 0.0))
        return replace(found, metric=metric)

    return answer


def _beneath(nothing: Metric, theirs: float) -> Metric:
    """The difference of nothing scored from what the other side has."""
    return replace(nothing, value=-theirs, low=-theirs, high=1e-6 - theirs)


def _absent(_: Metric) -> None:
    return None


def _none(metric: Metric) -> Metric:
    return replace(metric, value=None, low=None, high=None)


def _nan(metric: Metric) -> Metric:
    """What `estimate` refuses to make; were there one all the same, it must not pass."""
    return replace(metric, value=math.nan, low=math.nan, high=math.nan)


def _errored(metric: Metric) -> Metric:
    lost = metric.n + metric.missing
    if metric.name.endswith(f".{_MISSING}"):
        return replace(metric, value=0.0, low=0.0, high=1e-6)
    return replace(metric, value=None, low=None, high=None, n=0, missing=lost, cause="unscored")


def _read(names: Sequence[str]) -> list[str]:
    """Metrics that can lack scores; how many have one is itself a metric that cannot."""
    return [name for name in names if not name.endswith(f".{_MISSING}")]


def _unscored(policy: PolicySpec) -> Callable[[Metric], Metric]:
    """Lose 5 % of the scores, or a little more than what the rules on a metric put up with."""

    def spoil(metric: Metric) -> Metric:
        own = [r for r in policy.rules if r.metric == metric.name]
        defaults = policy.defaults.max_unscored
        borne = [defaults if r.max_unscored is None else r.max_unscored for r in own]
        share = max(_UNSCORED, *(min(1.0, one + 0.01) for one in borne))
        lost = round(share * metric.n)
        left = metric.n - lost
        if left == 0:
            return _errored(metric)
        if metric.kind != "Proportion":
            return replace(metric, n=left, missing=lost, cause="unscored", high=None)
        # The scores that are lost might all be bad, or all be good.
        low, high = (metric.low or 0.0) * (1.0 - share), (metric.high or 0.0) + share
        return replace(metric, n=left, missing=lost, low=low, high=min(1.0, high))

    return spoil


def _empty_slices(good: Evidence, rules: Sequence[Rule]) -> list[tuple[str, Evidence]]:
    tags = dict.fromkeys(rule.slices.by for rule in rules if rule.slices)
    return [
        (tag, replace(good, metrics=[m for m in good.metrics if _outside(m, tag)]))
        for tag in tags
    ]


def _outside(metric: Metric, tag: str) -> bool:
    return not metric.slice.startswith(f"{tag}=")


def _strangers(
    good: Evidence, policy: PolicySpec, rules: Sequence[Rule]
) -> Iterator[tuple[str, Evidence]]:
    asked = policy.evidence
    if asked.suite:
        yield "evidence.suite", replace(good, suite="f" * 64)
    for name in asked.scorers:
        yield f"scorer {name}", replace(good, scorers={**good.scorers, name: "f" * 64})
    if asked.identity:
        yield "evidence.identity", replace(good, identities={})
    against = dict.fromkeys(r.compare.against for r in rules if r.compare)
    for name in against:
        yield name, replace(good, contrast=_differing(good, name))


def _differing(good: Evidence, against: str) -> Callable[[Question], Difference | Gap]:
    def answer(question: Question) -> Difference | Gap:
        if question.against == against:
            return Gap("digest_mismatch", "the two runs differ in prompts")
        return good.contrast(question)

    return answer


def _tried(good: Evidence, policy: PolicySpec) -> Evidence:
    failed = [
        Attempt(
            run_id=f"r{n}", generator=ARM[0], seed=n, outcome="fail", entry="", subject=SUBJECT
        )
        for n in range(policy.attempts)
    ]  # fmt: skip
    return replace(good, attempts=failed, arm_subjects={ARM: SUBJECT})


def _expired(policy: PolicySpec, bad: Evidence, rules: Sequence[Rule], today: date) -> Fixture:
    name, last = "an expired waiver", today - timedelta(days=1)
    for rule in rules:
        waiver = Waiver(
            id="planted", rule=rule.id, subject_digest=SUBJECT, covers="fail",
            reason="planted", requested_by="one", approved_by="another",
            created=last - timedelta(days=30), expires=last, ticket="planted",
        )  # fmt: skip
        try:
            judge(bad, policy, [waiver])
        except WaiverError:
            continue
        said = f"a waiver of {rule.id} that ran out on {last} is taken"
        return Fixture(name=name, outcome="pass", right=False, says=said)
    said = "judging stops with an error, exit code 5"
    return Fixture(name=name, outcome="refused", right=True, says=said)


def _passes(good: Evidence, policy: PolicySpec) -> Fixture:
    """The perfect model must pass; documents that are too old today are named, no fault."""
    outcome, kept = verdict_of(good, policy)
    if outcome == "pass":
        said = "every blocking rule passes at once"
        return Fixture(name="a planted perfect model", outcome=outcome, right=True, says=said)
    by = "; ".join(f"{f.rule} ({f.cause}): {f.message}" for f in kept)
    right = bool(kept) and all(f.kind == "document" and f.cause in _CAUSES for f in kept)
    return Fixture(
        name="a planted perfect model", outcome=outcome, right=right, says=f"kept from it: {by}"
    )
