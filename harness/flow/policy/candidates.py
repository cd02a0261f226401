"""Evidence on which one rule might pass, fail or be inconclusive: what to try, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import ceil, floor

from harness.flow.evidence import Evidence, Signed
from harness.flow.policy.planted import (
    ARM,
    SUBJECT,
    Duel,
    Duels,
    Seen,
    answers,
    covering,
    day_of,
    evidence_of,
    said,
    signed,
)
from harness.flow.policy.traits import Traits
from harness.flow.terms import Terms
from harness.metrics.stats.sample_size import MOST, prompts_for_zero_events
from harness.spec.policy import PolicySpec
from harness.spec.requirement import Comparison, Document

_PLENTY = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """Made-up evidence, and what it is in words."""

    evidence: Evidence
    words: str


def candidates(
    terms: Terms, policy: PolicySpec, traits: Mapping[str, Traits], today: date
) -> Iterator[Candidate]:
    """Yield admissible evidence on one rule, the plainest first.

    Args:
        terms: The rule.
        policy: A policy of that rule alone.
        traits: Of the rule's metric.
        today: The day of evidence that does not grow old.
    """
    rule = terms.rule
    if rule.coverage:
        yield from _of_coverage(policy, traits)
    elif rule.document:
        yield from _of_document(rule.document, policy, today)
    elif rule.compare:
        yield from _of_comparison(rule.compare, terms, policy, traits)
    else:
        own = traits[rule.metric]
        for one in _seen(terms, own):
            yield Candidate(evidence_of(policy, traits, {rule.metric: one}), said(one, own))


def _seen(terms: Terms, own: Traits) -> Iterator[Seen]:
    """Numbers on either side of a limit; last, no score at all."""
    limit = terms.rule.require.value if terms.rule.require else _expected(terms)
    if own.kind == "Proportion":
        yield from _rates(terms, limit)
    elif own.kind == "Count":
        near = {0.0, *(float(edge(limit) + d) for edge in (floor, ceil) for d in (-1, 0, 1))}
        n = max(terms.least, _PLENTY)
        yield from (Seen(value=value, n=n) for value in sorted(near) if value >= 0.0)
    else:
        yield from _numbers(terms, own, limit)
    yield Seen(value=None, n=0, missing=max(terms.least, _PLENTY), cause="unscored")


def _expected(terms: Terms) -> float:
    conform = terms.rule.conform
    return 1.0 if conform is None or conform.expect == "all" else 0.0


def _rates(terms: Terms, limit: float) -> Iterator[Seen]:
    """All, none, and as many as the limit says, of one output and of enough."""
    sizes = {1, terms.least}
    for share in (limit, 1.0 - limit):
        enough = prompts_for_zero_events(share, terms.confidence) if 0 < share < 1 else MOST
        sizes |= {max(terms.least, enough + extra) for extra in (0, 1) if enough < MOST}
    for n in sorted(sizes):
        exact = min(n, max(0, round(limit * n)))
        yield from (Seen(value=events / n, n=n) for events in sorted({0, n, exact}))


def _numbers(terms: Terms, own: Traits, limit: float) -> Iterator[Seen]:
    """Values on both sides of the limit, with bounds that reach half-way to it, or to none."""
    reach = max(1.0, abs(limit))
    values = [limit - reach, limit + reach, limit]
    values += [edge for edge in (own.low, own.high) if edge is not None]
    inside = [
        value for value in values
        if (own.low is None or value >= own.low) and (own.high is None or value <= own.high)
    ]  # fmt: skip
    for value in dict.fromkeys(inside):
        width = abs(value - limit) / 2.0 or reach
        yield Seen(value=value, n=max(terms.least, _PLENTY), width=width)
    if own.kind == "Quantile" and limit in inside:
        yield Seen(value=limit, n=max(terms.least, _PLENTY))  # all outputs alike


def _of_comparison(
    compare: Comparison, terms: Terms, policy: PolicySpec, traits: Mapping[str, Traits]
) -> Iterator[Candidate]:
    own = traits[compare.metric]
    reach = 10.0 * max(1.0, abs(compare.margin))
    low = own.low if own.low is not None else (own.high or 0.0) - reach
    high = own.high if own.high is not None else low + reach
    sides = (low, (low + high) / 2.0, high)
    for width in (1e-9, 2.0 * (high - low)):
        for ours in sides:
            for theirs in sides:
                duel = Duel(ours, theirs, width)
                seen = Seen(value=ours, n=max(terms.least, _PLENTY), width=width)
                evidence = evidence_of(
                    policy, traits, {compare.metric: seen},
                    contrast=answers(_always(duel), traits),
                )  # fmt: skip
                yield Candidate(evidence, f"{ours:.6g} beside {theirs:.6g} ± {width:.2g}")
    alone = {compare.metric: Seen(value=sides[1], n=max(terms.least, _PLENTY), width=1e-9)}
    yield Candidate(evidence_of(policy, traits, alone), "nothing to compare with")


def _always(duel: Duel) -> Duels:
    return lambda _: duel


def _of_coverage(policy: PolicySpec, traits: Mapping[str, Traits]) -> Iterator[Candidate]:
    # A verdict is about an arm, and an arm is seen by its metrics: plant one.
    arm = _someone(policy, traits)
    every = covering(policy.rules)
    yield Candidate(replace(arm, prompts=every), f"{len(every):,} prompts")
    yield Candidate(arm, "no prompt")
    yield Candidate(replace(arm, partial=frozenset({ARM})), "no prompt, more to be asked")


def _of_document(document: Document, policy: PolicySpec, today: date) -> Iterator[Candidate]:
    arm = replace(_someone(policy, {}), today=day_of(policy.rules, today))
    yield Candidate(
        replace(arm, documents=signed(policy.rules)), f"signed by {len(document.signed_by)}"
    )
    people = tuple(sorted(document.signed_by))
    for words, one in (
        ("there, signed by nobody", Signed(SUBJECT, ())),
        ("there, with a false signature", Signed(SUBJECT, (), invalid=people[:1])),
    ):
        yield Candidate(replace(arm, documents={document.file: one}), words)
    yield Candidate(arm, "no such document")


def _someone(policy: PolicySpec, traits: Mapping[str, Traits]) -> Evidence:
    name = "planted.rate"
    rate = Traits(kind="Proportion", better="lower", low=0.0, high=1.0)
    planted = {name: Seen(value=0.0, n=_PLENTY)}
    return evidence_of(policy, {**traits, name: rate}, planted)
