"""Whether each rule of a policy can still pass, fail and be inconclusive at all.

The real judge decides on each piece of made-up evidence. A rule that no
evidence can turn red guards nothing; one that none can turn green holds every
release back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from harness.flow.evidence import Evidence
from harness.flow.judge import judge, overall
from harness.flow.policy.candidates import candidates
from harness.flow.policy.places import Place
from harness.flow.policy.traits import Traits, span
from harness.flow.policy.wants import asked
from harness.flow.terms import Terms
from harness.records import Outcome
from harness.spec.policy import EvidenceSpec, PolicySpec, Rule
from harness.spec.requirement import Requirement

REACHED: tuple[Outcome, ...] = ("pass", "fail", "inconclusive")
_NEVER = "can never pass; "


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A rule, and the evidence that turned it each way; None where none did.

    `faults` say why it is dead, and `notes` what was assumed or looks odd.
    `skipped` says why it was not tried.
    """

    rule: str
    severity: str
    asked: str
    where: str
    reached: Mapping[str, str | None]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str = ""


def mutate(
    policy: PolicySpec, traits: Mapping[str, Traits], places: Mapping[str, Place], today: date
) -> tuple[Mutant, ...]:
    """Try every rule, `warn` and `observe` ones too, each in a policy of its own."""
    return tuple(_mutant(rule, policy, traits, places, today) for rule in policy.rules)


def hopeless(policy: PolicySpec, traits: Mapping[str, Traits]) -> dict[str, str]:
    """Why a rule passes on no evidence at all, by its id; documents are left out."""
    undated = tuple(rule for rule in policy.rules if not rule.document)
    rules = policy.model_copy(update={"rules": undated})
    return {
        one.rule: one.faults[0].removeprefix(_NEVER)
        for one in mutate(rules, traits, {}, date.min)
        if one.reached["pass"] is None and not one.skipped
    }


def alone(policy: PolicySpec, rule: Rule) -> PolicySpec:
    """The policy with this rule only, and without what it asks of the run."""
    update = {"rules": (rule,), "evidence": EvidenceSpec(), "not_applicable": {}}
    return policy.model_copy(update=update)


def outcome_of(rule: Rule, evidence: Evidence, policy: PolicySpec) -> Outcome:
    """What one rule comes to over all its slices."""
    (verdict,) = judge(evidence, alone(policy, rule))
    return overall([f.outcome for f in verdict.findings if f.kind != "evidence"])


def _mutant(
    rule: Rule,
    policy: PolicySpec,
    traits: Mapping[str, Traits],
    places: Mapping[str, Place],
    today: date,
) -> Mutant:
    reached: dict[str, str | None] = dict.fromkeys(REACHED)
    skipped = policy.not_applicable.get(rule.id, "")
    if not skipped:
        terms = Terms.of(rule, policy)
        for one in candidates(terms, alone(policy, rule), traits, today):
            outcome = outcome_of(rule, one.evidence, policy)
            if outcome in reached and reached[outcome] is None:
                reached[outcome] = one.words
    own = traits.get(rule.metric)
    return Mutant(
        rule=rule.id,
        severity=rule.severity,
        asked=asked(rule),
        where=places.get(rule.id, Place()).line,
        reached=reached,
        faults=() if skipped else tuple(_faults(rule, own, reached)),
        notes=tuple(_notes(rule, own, policy)),
        skipped=skipped,
    )


def _faults(rule: Rule, own: Traits | None, reached: Mapping[str, str | None]) -> Iterator[str]:
    if reached["pass"] is None:
        yield f"{_NEVER}{_mend_pass(rule, own)}"
    if reached["fail"] is None and not _absence_blocks(rule):
        yield f"can never go red; {_mend_fail(rule, own)}"
    if reached["inconclusive"] is None:
        yield "is never inconclusive: missing evidence would decide it"


def _absence_blocks(rule: Rule) -> bool:
    """A document that nobody need sign fails never, but blocks while it is not there."""
    return rule.document is not None and not rule.document.signed_by


def _mend_pass(rule: Rule, own: Traits | None) -> str:
    if rule.conform and own and own.kind != "Proportion":
        return f"{rule.metric} is no rate of outputs: use `require`"
    if rule.compare and own and own.better == "neither":
        return f"{rule.metric} has no better direction: compare it with `test: equivalent`"
    if rule.require and own:
        return _mend_limit(rule.require, own)
    return "correct the margin" if rule.compare else "what it asks for contradicts itself"


def _mend_limit(require: Requirement, own: Traits) -> str:
    if own.kind == "Count":
        return "a count is a whole number, 0 or more: correct the limit"
    if own.kind == "Proportion" and not 0.0 <= require.value <= 1.0:
        return "a share lies in [0, 1], and is never a percentage: correct the limit"
    if own.kind == "Proportion":
        return (
            "no sample proves a rate exactly: ask `conform` of every output, a limit between "
            "0 and 1, or `decide: point`"
        )
    if require.op == "==":
        return "an interval is never one point: ask for <= or >=, or `decide: point`"
    return f"{require.metric} lies in {span(own)}: correct the limit"


def _mend_fail(rule: Rule, own: Traits | None) -> str:
    if rule.require and own:
        return f"{rule.metric} lies in {span(own)}, so the limit always holds: tighten it"
    if rule.compare and own and own.better == "neither":
        return f"{rule.metric} has no better direction: compare it with `test: equivalent`"
    return "tighten the margin" if rule.compare else "ask for something that can be lacking"


def _notes(rule: Rule, own: Traits | None, policy: PolicySpec) -> Iterator[str]:
    if own and own.assumed:
        yield own.assumed
    if own and not own.assumed and _reversed(rule, own, policy):
        yield f"of {rule.metric} {own.better} is better, and this asks for the reverse"
    if _absence_blocks(rule):
        yield "it never fails; while it is not there it is inconclusive, which holds back too"


def _reversed(rule: Rule, own: Traits, policy: PolicySpec) -> bool:
    """Whether a limit is on the bad side, with no limit on the good side beside it."""
    good = {"lower": "<=", "higher": ">="}.get(own.better)
    asked_for = {r.require.op for r in policy.rules if r.require and r.metric == rule.metric}
    return bool(rule.require and good and not asked_for & {good, "=="})
