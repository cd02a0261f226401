"""Rules on a difference: what a comparison asks, and who it is with."""

from __future__ import annotations

from dataclasses import dataclass

from harness.flow.evidence import ArmName, Evidence, Gap, Question
from harness.flow.terms import Bar, Op, Terms
from harness.records import Metric
from harness.spec.requirement import Comparison


@dataclass(frozen=True, slots=True)
class Ask:
    """A bar, and the number held against it: a metric's own or `ours - scale * theirs`."""

    bar: Bar
    words: str = ""
    against: str = ""
    scale: float = 1.0


def asks_of(terms: Terms, metric: Metric) -> tuple[Ask, ...] | Gap:
    """What a rule asks of its metric, in the direction that is good for it; all must hold."""
    rule = terms.rule
    if rule.require:
        return (Ask(Bar(rule.require.op, rule.require.value)),)
    compare = rule.compare
    if compare is None:
        return Gap("error", "the rule asks nothing of a number")
    if compare.test == "equivalent":
        return _equivalent(compare)
    if metric.better not in ("lower", "higher"):
        return Gap(
            "error",
            f"{metric.name} has no better direction; compare it with `test: equivalent`",
        )
    ask = _one_sided(compare, sign=1.0 if metric.better == "lower" else -1.0)
    if ask.scale <= 0.0:
        said = f"a margin of {compare.margin:.1%} leaves nothing of the other's value"
        return Gap("error", f"{said} to compare {metric.name} with")
    return (ask,)


def _one_sided(compare: Comparison, sign: float) -> Ask:
    """`sign` 1: lower is better. Superiority is strict, so that equal is not better."""
    superior = compare.test == "superior"
    allowed = -compare.margin if superior else compare.margin
    op: Op = ("<" if superior else "<=") if sign > 0 else (">" if superior else ">=")
    if compare.relative:
        scale = 1.0 + sign * allowed
        words = _words(compare)
        if compare.margin < 0:
            side = "most" if sign > 0 else "least"
            words = f"{compare.metric} at {side} {scale:.4g} x that of {compare.against}"
        return Ask(Bar(op, 0.0), words, compare.against, scale)
    return Ask(Bar(op, sign * allowed + 0.0), _words(compare), compare.against)


def _equivalent(compare: Comparison) -> tuple[Ask, ...]:
    """Within a margin; a relative one is a share of the other's value on either side."""
    words, against = _words(compare), compare.against
    if not compare.relative:
        return (Ask(Bar("within", compare.margin), words, against),)
    return (
        Ask(Bar("<=", 0.0), words, against, 1.0 + compare.margin),
        Ask(Bar(">=", 0.0), words, against, 1.0 - compare.margin),
    )


def _words(compare: Comparison) -> str:
    margin = f"{compare.margin:.4g}" if not compare.relative else f"{compare.margin:.1%}"
    said = {
        "noninferior": f"not worse than {compare.against} by more than {margin}",
        "superior": f"better than {compare.against} by more than {margin}",
        "equivalent": f"within {margin} of {compare.against}",
    }[compare.test]
    return f"{compare.metric} {said}"


def absent(arm: ArmName, terms: Terms, evidence: Evidence) -> str:
    """Why a comparison does not apply to this arm; empty where it does."""
    compare = terms.rule.compare
    if compare is None:
        return ""
    if compare.against in (f"strategy:{arm[1]}", f"generator:{arm[0]}"):
        return "it is itself what the others are compared with"
    if compare.if_absent and compare.against in evidence.absent:
        return f"there is no {compare.against} yet: {compare.if_absent}"
    return ""


def difference(
    arm: ArmName, terms: Terms, ask: Ask, label: str, evidence: Evidence
) -> Metric | Gap:
    """Ask for the difference a rule speaks of, at the rule's confidence."""
    compare = terms.rule.compare
    if compare is None:
        return Gap("error", "the rule compares nothing")
    question = Question(
        arm=arm, against=ask.against, metric=terms.rule.metric, slice=label, scale=ask.scale,
        confidence=terms.confidence, paired=compare.paired,
    )  # fmt: skip
    answer = evidence.contrast(question)
    if isinstance(answer, Gap):
        return answer
    if compare.relative and (answer.theirs is None or answer.theirs < 0):
        return Gap("error", "a relative margin needs a value of 0 or more to be a share of")
    return answer.metric
