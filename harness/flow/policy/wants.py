"""What a rule wants of a sample, in words, where numbers alone do not say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, log
from pathlib import Path

from harness.flow.checks import coverage as count_coverage
from harness.flow.evidence import Evidence
from harness.flow.policy.sizes import pairs_for
from harness.flow.policy.traits import Traits
from harness.flow.terms import Terms
from harness.metrics.stats.proportion import exact_upper
from harness.metrics.stats.sample_size import MOST, prompts_for_zero_events
from harness.spec.policy import Rule
from harness.spec.requirement import Comparison, Coverage, Document

CANNOT = "CANNOT pass"
"""What begins a line about a rule that no model can pass."""
NEVER = f"{CANNOT} with any suite"
"""The same where no other suite would help."""
COUNT = "an exact count"
"""What begins a line on a rule that estimates nothing, so that no spread matters."""
PAIRS = "pairs it takes"
"""What begins a line on a comparison whose size is known under a stated assumption."""
_DISCORDANT = (0.02, 0.05, 0.1)
_POWER = 0.8


def asked(rule: Rule) -> str:
    """Write what a rule asks in a few words."""
    if rule.require:
        return f"{rule.metric} {rule.require.op} {rule.require.value:.6g}"
    if rule.compare:
        one = rule.compare
        margin = f"{one.margin:.1%}" if one.relative else f"{one.margin:.4g}"
        return f"{one.metric} {one.test} to {one.against}, margin {margin}"
    if rule.conform:
        return f"{rule.metric} of {'every' if rule.conform.expect == 'all' else 'no'} output"
    if rule.coverage:
        where = ", ".join(f"{k}={v}" for k, v in rule.coverage.where.items())
        return f"prompts by {rule.coverage.by}" + (f" where {where}" if where else "")
    return f"document {rule.document.file}" if rule.document else ""


def number(terms: Terms, traits: Traits, prompts: int | None) -> Iterator[str]:
    """Say what a rule on a number takes, as far as that is known before a run."""
    rule = terms.rule
    if rule.conform:
        yield (
            "a census: every planned output must have a score and conform; "
            "one that does not decides a fail, one missing score is no pass"
        )
        yield from _census(terms, prompts)
    elif rule.require and traits.kind == "Count":
        yield f"{COUNT}: every planned output must have a score; nothing is estimated"
        yield from _census(terms, prompts)
    elif rule.require and traits.kind == "Proportion":
        yield from _rate(terms, rule, traits)
    elif rule.require and traits.kind == "Quantile" and traits.q:
        yield from _quantile(terms, rule, traits.q)
    elif rule.compare and traits.kind == "Proportion":
        yield from _difference(terms, rule.compare)


def coverage(
    rule: Rule, wanted: Coverage, tags: Sequence[Mapping[str, str]] | None
) -> tuple[bool | None, str]:
    """Count a suite's prompts against a rule, or say how many it asks for."""
    if tags is not None:
        found = count_coverage(rule, wanted, Evidence(metrics=(), prompts=tags))
        passing = found.outcome == "pass"
        lead = "" if passing else f"{CANNOT} with this suite: "
        return passing, f"{lead}{found.message}"
    least = max(wanted.total or 0, sum(wanted.each.values()))
    each = ", ".join(f"{value}: {n:,}" for value, n in list(wanted.each.items())[:5])
    more = f" and {len(wanted.each) - 5} more" if len(wanted.each) > 5 else ""
    kinds = f" ({each}{more})" if each else ""
    return None, f"takes {least:,} distinct prompts{kinds}; --suite counts them"


def document(wanted: Document, base: Path | None) -> str:
    """Say who must sign, and whether the file is there."""
    signers = f"{wanted.signatures} of {len(wanted.signed_by)} people"
    said = f"takes no sample, but the file {wanted.file}, signed by {signers}"
    if base is None:
        return said
    place = base / wanted.file
    return f"{said}; {place} {'is there' if place.is_file() else 'is not there yet'}"


def _rate(terms: Terms, rule: Rule, traits: Traits) -> Iterator[str]:
    if rule.require is None or rule.require.op == "==":
        return
    good = {"<=": "lower", ">=": "higher"}[rule.require.op]
    if not traits.assumed and traits.better not in (good, "neither"):
        yield f"note: of {rule.metric} {traits.better} is better, and this asks for the reverse"
    if terms.decide == "point":
        yield (
            "decided on the estimate: a model whose true rate is at the limit passes about "
            "every other time"
        )


def _census(terms: Terms, prompts: int | None) -> Iterator[str]:
    if terms.least > 1:
        yield f"decided on {terms.least:,} scored outputs or more"
    if prompts:
        bound = float(exact_upper(0, prompts, terms.confidence))
        yield (
            f"it proves nothing beyond this run: none in {prompts:,} prompts bounds the rate "
            f"of such outputs at {bound:.2%}"
        )


def _quantile(terms: Terms, rule: Rule, q: float) -> Iterator[str]:
    """With n values below it at best, a bound of a quantile exists only from some n on."""
    if rule.require is None or rule.require.op == "==":
        return
    tail = q if rule.require.op == "<=" else 1.0 - q
    least = ceil(log(1.0 - terms.confidence) / log(tail) - 1e-9)
    yield f"a bound exists from {least:,} prompts on, whatever the values"


def _difference(terms: Terms, asks: Comparison) -> Iterator[str]:
    if asks.relative:
        yield "its margin is a share of the other's rate, which is unknown before a run"
        return
    if asks.margin <= 0.0:
        yield "with no margin two equal models seldom pass: no number of prompts mends that"
        return
    if asks.test == "superior":
        yield "the prompts it takes depend on the true gain, which is unknown before a run"
        return
    sides = 2 if asks.test == "equivalent" else 1
    least = prompts_for_zero_events(asks.margin, terms.confidence)
    if least >= MOST:
        yield f"{NEVER}: the margin is too small to be shown"
        return
    sizes = ", ".join(
        f"{max(least, pairs_for(asks.margin, d, terms.confidence, _POWER, sides=sides)):,} "
        f"at {d:.0%}"
        for d in _DISCORDANT
    )
    yield (
        f"{PAIRS} by the share of prompts on which just one of both is bad: {sizes} "
        f"(assuming equal models and {_POWER:.0%} power); never below {least:,}"
    )
