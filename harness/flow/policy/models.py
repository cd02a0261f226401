"""Two planted models for a policy: one with every metric at its worst, one at its best."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from harness.flow.evidence import Evidence, Question
from harness.flow.policy.planted import (
    ARM,
    Duel,
    Duels,
    Seen,
    answers,
    clipped,
    covering,
    evidence_of,
    signed,
)
from harness.flow.policy.traits import Traits
from harness.flow.terms import Terms
from harness.metrics.stats.sample_size import MOST, prompts_for_zero_events
from harness.spec.policy import PolicySpec, Rule

PLENTY = 1_000_000
Side = Literal["best", "worst"]


def perfect(policy: PolicySpec, traits: Mapping[str, Traits], today: date) -> Evidence:
    """A model at its best in all that a policy asks, with prompts and papers to spare."""
    seen = {name: _best(name, own, policy) for name, own in traits.items()}
    return _with_papers(policy, traits, seen, today, _duels(policy, traits, "best"))


def terrible(policy: PolicySpec, traits: Mapping[str, Traits], today: date) -> Evidence:
    """A model with every metric at its worst, and all that is no metric in order."""
    seen = {name: _worst(name, own, policy) for name, own in traits.items()}
    return _with_papers(policy, traits, seen, today, _duels(policy, traits, "worst"))


def _with_papers(
    policy: PolicySpec,
    traits: Mapping[str, Traits],
    seen: Mapping[str, Seen],
    today: date,
    duels: Duels,
) -> Evidence:
    asked = policy.evidence
    prompts = covering(policy.rules)
    prompts += [{}] * max(0, (asked.prompts or 0) - len(prompts))
    papers: dict[str, Any] = {
        "contrast": answers(duels, traits),
        "prompts": prompts,
        "documents": signed(policy.rules),
        "identities": {ARM[0]: asked.identity[0] if asked.identity else "weights"},
        "suite": asked.suite or "",
        "scorers": dict(asked.scorers),
        "today": today,
    }
    if traits:
        return evidence_of(policy, traits, seen, **papers)
    # A policy of documents and coverage alone still speaks of a model that was measured.
    rate = Traits(kind="Proportion", better="lower", low=0.0, high=1.0)
    bad = {"planted.rate": Seen(value=0.0, n=PLENTY)}
    return evidence_of(policy, {"planted.rate": rate}, bad, **papers)


def _best(name: str, own: Traits, policy: PolicySpec) -> Seen:
    """As good as it can be within all limits on it; in their midst where they are two."""
    limits = _limits(name, policy)
    low = max((v for op, v in limits if op in (">=", "==")), default=own.low)
    high = min((v for op, v in limits if op in ("<=", "==")), default=own.high)
    low = low if own.low is None or low is None else max(low, own.low)
    high = high if own.high is None or high is None else min(high, own.high)
    edge = high if own.better == "higher" else low
    if edge is not None and edge in (own.low, own.high):
        return _seen(name, edge, own, policy)
    reach = 10.0 * max((1.0, *(abs(v) for _, v in limits)))
    left = low if low is not None else (high or 0.0) - reach
    right = high if high is not None else left + reach
    return _seen(name, (left + right) / 2.0, own, policy)


def _worst(name: str, own: Traits, policy: PolicySpec) -> Seen:
    limits = _limits(name, policy)
    reach = 10.0 * max((1.0, *(abs(v) for _, v in limits)))
    if own.better == "higher":
        return _seen(name, own.low if own.low is not None else -reach, own, policy)
    return _seen(name, own.high if own.high is not None else reach, own, policy)


def _limits(name: str, policy: PolicySpec) -> list[tuple[str, float]]:
    own = [rule for rule in policy.rules if rule.metric == name]
    found: list[tuple[str, float]] = [(r.require.op, r.require.value) for r in own if r.require]
    return found + [("==", float(r.conform.expect == "all")) for r in own if r.conform]


def _seen(name: str, value: float, own: Traits, policy: PolicySpec) -> Seen:
    # Limits may contradict each other, or the metric's own range; a model cannot.
    value = clipped(value, own)
    n = max(PLENTY, *(_enough(r, policy) for r in policy.rules if r.metric == name))
    if own.kind in ("Proportion", "Count"):
        whole = value if own.kind == "Proportion" else float(round(value))
        return Seen(value=round(whole * n) / n if own.kind == "Proportion" else whole, n=n)
    away = [abs(value - limit) for _, limit in _limits(name, policy) if value != limit]
    return Seen(value=value, n=n, width=min(away, default=2e-9) / 2.0)


def _enough(rule: Rule, policy: PolicySpec) -> int:
    terms = Terms.of(rule, policy)
    value = rule.require.value if rule.require else 0.5
    shares = [share for share in (value, 1.0 - value) if 0.0 < share < 1.0]
    sizes = [prompts_for_zero_events(share, terms.confidence) for share in shares]
    return max([terms.least, *(size + 1 for size in sizes if size < MOST)])


def _duels(policy: PolicySpec, traits: Mapping[str, Traits], side: Side) -> Duels:
    asked = [rule.compare for rule in policy.rules if rule.compare]
    alike = {(one.metric, one.against) for one in asked if one.test == "equivalent"}

    def duel(question: Question) -> Duel:
        own = traits[question.metric]
        low = own.low if own.low is not None else (own.high or 0.0) - PLENTY
        high = own.high if own.high is not None else low + PLENTY
        good, bad = (high, low) if own.better == "higher" else (low, high)
        if side == "worst":
            return Duel(bad, good)
        middle = (low + high) / 2.0
        if (question.metric, question.against) in alike:
            return Duel(middle, middle)
        # Not the very edge: of a rate of 0, a relative margin is nothing.
        return Duel(good, middle if bad == low else bad)

    return duel
