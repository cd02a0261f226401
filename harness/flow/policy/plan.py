"""What sample each rule of a policy takes, worked out before anything is generated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from harness.flow.evidence import Evidence
from harness.flow.judge import judge
from harness.flow.plan import Plan
from harness.flow.policy import wants
from harness.flow.policy.mutation import hopeless
from harness.flow.policy.pilot import PilotSize, of_pilot
from harness.flow.policy.sizes import Tally
from harness.flow.policy.traits import Traits, of_installation, of_policy, of_scorers
from harness.flow.rows import BY_PROMPT
from harness.flow.terms import Terms
from harness.records import Verdict
from harness.registry import suggest
from harness.spec.policy import PolicySpec, Rule

BAD = (0, 1, 2, 5)
POWERS = (0.8, 0.9)
FACTORS = (0.0, 0.25, 0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one rule takes on one slice.

    `prompts_by_bad` are the prompts it takes to pass with so many bad outputs,
    and `prompts_by_power` those with which a model whose true share of bad
    outputs is half of what is allowed passes with that chance; None is out of
    reach. With a suite, `prompts` and `outputs` are what it has, `bears` how
    many outputs may be bad, and `chances` the chance to pass by the true share
    of bad outputs, as a part of what is allowed. `can_pass` is False where no
    model could pass, and None where that cannot be said.
    """

    rule: str
    kind: str
    severity: str
    slice: str
    asked: str
    confidence: float
    decide: str
    n_min: int
    rate: bool = False
    prompts_by_bad: tuple[tuple[int, int | None], ...] = ()
    prompts_by_power: tuple[tuple[float, int | None], ...] = ()
    prompts: int | None = None
    outputs: int | None = None
    bears: int | None = None
    chances: tuple[tuple[float, float], ...] = ()
    pilot: tuple[PilotSize, ...] = ()
    can_pass: bool | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPlan:
    """What every rule takes, and what holds for all of them."""

    policy: str
    suite: str | None
    needs: tuple[Need, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exam:
    """What a suite asks: each prompt's independent unit and tags, and what is measured.

    `parts` are the true shares of bad outputs to try, as parts of what is allowed.
    """

    units: Sequence[tuple[str, Mapping[str, str]]]
    samples: int
    traits: Mapping[str, Traits]
    parts: Sequence[float] = FACTORS

    @classmethod
    def of(cls, planned: Plan, cluster_by: str, parts: Sequence[float] = FACTORS) -> Exam:
        """Count a planned suite's prompts; nothing is loaded."""
        units = [
            (_unit(p.prompt_id, p.tags, cluster_by), dict(p.tags)) for p in planned.prompts
        ]
        samples = planned.suite.samples_per_prompt
        return cls(units, samples, of_scorers(planned.scorers), parts)

    def within(self, label: str) -> tuple[int, int]:
        """The independent units and the outputs of a slice."""
        by, _, value = label.partition("=")
        inside = [unit for unit, tags in self.units if label == "all" or tags.get(by) == value]
        return len(set(inside)), len(inside) * self.samples

    def values(self, by: str) -> list[str]:
        """The values of a tag, in order."""
        return sorted({tags[by] for _, tags in self.units if by in tags})


def plan_policy(
    policy: PolicySpec,
    suite: Plan | None = None,
    pilot: Evidence | None = None,
    base: Path | None = None,
    parts: Sequence[float] = FACTORS,
) -> PolicyPlan:
    """Work out what a policy takes. Nothing is generated, and no model is loaded.

    Args:
        policy: With everything it extends.
        suite: The suite it is to judge.
        pilot: Evidence of a stored run under this policy, whose spread is taken as true.
        base: The policy's folder, where its documents lie.
        parts: With a suite, the true shares of bad outputs to give the chance to pass
            for, as parts of what is allowed.
    """
    exam = Exam.of(suite, policy.defaults.cluster_by, parts) if suite else None
    traits = of_policy(policy, of_installation() | dict(exam.traits if exam else {}))
    verdicts = judge(pilot, policy) if pilot else ()
    never = hopeless(policy, traits)
    needs: list[Need] = []
    for rule in policy.rules:
        if rule.id not in policy.not_applicable:
            terms, why = Terms.of(rule, policy), never.get(rule.id, "")
            own = _needs(terms, traits.get(rule.metric), exam, base, why)
            needs += [_with_pilot(n, rule, policy, pilot, verdicts) for n in own]
    return PolicyPlan(
        policy=policy.metadata.name,
        suite=suite.suite.metadata.name if suite else None,
        needs=tuple(needs),
        notes=tuple(_notes(policy, exam)),
    )


def _needs(
    terms: Terms, traits: Traits | None, exam: Exam | None, base: Path | None, why: str
) -> Iterator[Need]:
    rule = terms.rule
    if rule.coverage:
        can_pass, said = wants.coverage(rule, rule.coverage, _tags(exam))
        if why:
            can_pass, said = False, f"{wants.NEVER}: {why}"
        yield replace(_blank(terms, "all"), can_pass=can_pass, says=(said,))
    elif rule.document:
        yield replace(_blank(terms, "all"), says=(wants.document(rule.document, base),))
    elif traits:
        for label in _labels(rule, exam):
            yield _of_number(terms, traits, label, exam, why)


def _of_number(terms: Terms, traits: Traits, label: str, exam: Exam | None, why: str) -> Need:
    """`why` says why no evidence at all passes the rule, where none does."""
    need, rule = _blank(terms, label), terms.rule
    if exam and "*" not in label:
        prompts, outputs = exam.within(label)
        census = rule.conform is not None or traits.kind == "Count"
        need = replace(
            need, prompts=prompts, outputs=outputs, can_pass=True if census else None
        )
    if traits.kind == "Proportion" and rule.require and rule.require.op != "==":
        need = _of_rate(need, Tally.of(terms, rule.require), exam)
    says = list(wants.number(terms, traits, need.prompts))
    if why:
        says.insert(0, f"{wants.NEVER}: {why}")
    elif exam and (impossible := _impossible(terms, need, exam)):
        says.insert(0, impossible)
    if any(said.startswith(wants.CANNOT) for said in says):
        none = tuple((part, 0.0) for part, _ in need.chances)
        need = replace(need, can_pass=False, bears=None, chances=none)
    return replace(need, says=tuple(says + ([traits.assumed] if traits.assumed else [])))


def _of_rate(need: Need, tally: Tally, exam: Exam | None) -> Need:
    """What bounds a rate are prompts; an estimate, and `n_min`, count every output."""
    samples = exam.samples if exam else 1
    per = samples if tally.point else 1
    each = tally if tally.point else replace(tally, least=ceil(tally.least / samples))
    rate = 0.5 * tally.allowed
    need = replace(
        need,
        rate=True,
        prompts_by_bad=tuple((bad, _divided(each.prompts(bad), per)) for bad in BAD),
        prompts_by_power=tuple(
            (power, _divided(each.prompts_for(rate, power), per)) for power in POWERS
        ),
    )
    n = need.outputs if tally.point else need.prompts
    if exam is None or n is None:
        return need
    bears = each.bears(n)
    shares = ((part, min(1.0, part * tally.allowed)) for part in exam.parts)
    chances = tuple((part, each.chance(n, share)) for part, share in shares)
    return replace(need, bears=bears, chances=chances, can_pass=bears is not None)


def _divided(outputs: int | None, samples: int) -> int | None:
    return None if outputs is None else ceil(outputs / samples)


def _impossible(terms: Terms, need: Need, exam: Exam) -> str:
    """Why no model can pass a rule with this suite; empty where one can."""
    metric, fewest = terms.rule.metric, next((n for _, n in need.prompts_by_bad), None)
    reason = ""
    if metric not in exam.traits:
        hint = suggest(metric, exam.traits)
        reason = f"none of its scorers measures {metric}{'; ' + hint if hint else ''}"
    elif not need.prompts:
        reason = f"no prompt is tagged {need.slice.removesuffix('=*')}"
    elif (need.outputs or 0) < terms.least:
        reason = f"it gives {need.outputs:,} outputs; {terms.least:,} are asked for"
    elif need.can_pass is False and fewest:
        reason = f"{need.prompts:,} prompts; even without a bad output it takes {fewest:,}"
    return f"{wants.CANNOT} with this suite: {reason}" if reason else ""


def _blank(terms: Terms, label: str) -> Need:
    rule = terms.rule
    return Need(
        rule=rule.id, kind=rule.kind, severity=rule.severity, slice=label,
        asked=wants.asked(rule), confidence=terms.confidence, decide=terms.decide,
        n_min=terms.least,
    )  # fmt: skip


def _labels(rule: Rule, exam: Exam | None) -> list[str]:
    if rule.slices is None:
        return ["all"]
    by, only = rule.slices.by, rule.slices.only
    values = only or (exam.values(by) if exam else ()) or ("*",)
    return [f"{by}={value}" for value in values]


def _with_pilot(
    need: Need,
    rule: Rule,
    policy: PolicySpec,
    pilot: Evidence | None,
    verdicts: Sequence[Verdict],
) -> Need:
    if not rule.metric or rule.conform:
        return need
    if pilot:
        label = need.slice.removesuffix("*")
        return replace(need, pilot=of_pilot(Terms.of(rule, policy), label, pilot, verdicts))
    known = (wants.PAIRS, wants.NEVER, wants.COUNT)
    exact = rule.require is not None and rule.require.op == "=="
    if need.rate or exact or any(said.startswith(known) for said in need.says):
        return need
    said = "its spread is unknown before a run: give --pilot RUN, a stored run of a few prompts"
    return replace(need, says=(*need.says, said))


def _notes(policy: PolicySpec, exam: Exam | None) -> Iterator[str]:
    if policy.attempts > 1:
        yield (
            f"{policy.attempts} attempts are planned, so each bound is held to an error "
            f"{policy.attempts} times smaller"
        )
    for name, reason in policy.not_applicable.items():
        yield f"{name} does not apply: {reason}"
    asked = policy.evidence.prompts
    if asked and exam and len(exam.units) < asked:
        yield (
            f"{wants.CANNOT} with this suite: it has {len(exam.units):,} distinct prompts; "
            f"`evidence.prompts` asks for {asked:,}"
        )
    elif asked:
        yield f"`evidence.prompts` asks for {asked:,} distinct prompts"
    if exam and exam.samples > 1:
        yield (
            f"{exam.samples} samples of each prompt add hardly any evidence about a rate: "
            "prompts are counted here, not outputs"
        )
    if policy.defaults.cluster_by != BY_PROMPT:
        yield f"independent are values of {policy.defaults.cluster_by!r}: prompts means these"


def _tags(exam: Exam | None) -> list[Mapping[str, str]] | None:
    return [tags for _, tags in exam.units] if exam else None


def _unit(prompt_id: str, tags: Mapping[str, str], by: str) -> str:
    return f"{by}={tags[by]}" if by != BY_PROMPT and by in tags else prompt_id
