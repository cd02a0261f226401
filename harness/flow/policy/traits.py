"""What is known of a metric before anything is measured: its kind, range and direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from harness import registry
from harness.errors import PluginError
from harness.flow.aggregate import COVERAGE, definitions
from harness.protocols import (
    Bound,
    Count,
    Mean,
    MetricDef,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)

if TYPE_CHECKING:
    from harness.spec.policy import PolicySpec, Rule

_SHARES = ("rate", "share", "coverage")
_COUNTS = ("count",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """A metric's kind, its range (None: no bound), and which direction is good.

    `q` is a quantile's place in (0, 1). `assumed` says on what the traits rest
    where no scorer at hand defines the metric; empty where one does.
    """

    kind: str
    better: str
    low: float | None = None
    high: float | None = None
    q: float | None = None
    assumed: str = ""


def traits_of(definition: MetricDef) -> Traits:
    """Read a metric's definition.

    >>> rate = MetricDef(kind=Proportion("bad"), unit="share", better="lower")
    >>> traits_of(rate).low, traits_of(rate).high
    (0.0, 1.0)
    """
    kind = definition.kind
    low, high = _range(definition)
    q = kind.q if isinstance(kind, Quantile) else None
    return Traits(kind=type(kind).__name__, better=definition.better, low=low, high=high, q=q)


def _range(definition: MetricDef) -> tuple[float | None, float | None]:
    match definition.kind:
        case Mean(bounds=bounds) | PerPrompt(bounds=bounds):
            return bounds
        case Count() | Ratio(transform="exp"):
            return 0.0, None
    if isinstance(definition.kind, Proportion) or definition.unit == "share":
        return 0.0, 1.0
    # A duration, and what is counted in a second, are never negative.
    timed = definition.unit == "s" or definition.unit.endswith("/s")
    return (0.0 if timed else None), None


def span(traits: Traits) -> str:
    """Write the range of a metric.

    >>> span(Traits(kind="Count", better="lower", low=0.0))
    '[0, inf)'
    """
    left = "(-inf" if traits.low is None else f"[{traits.low:g}"
    return f"{left}, inf)" if traits.high is None else f"{left}, {traits.high:g}]"


def of_scorers(scorers: Iterable[Bound]) -> dict[str, Traits]:
    """The traits of every metric of some scorers, as `scorer.metric`."""
    return {
        f"{scorer.name}.{name}": traits_of(definition)
        for scorer in scorers
        for name, definition in definitions(scorer).items()
    }


def of_installation() -> dict[str, Traits]:
    """The traits of every metric of those scorers that can be made without options.

    Only asked what they measure: no weights need be there.
    """
    found: dict[str, Traits] = {}
    for name in registry.names("scorers"):
        try:
            cls = registry.load("scorers", name)
            metrics = cls(cls.Options.model_validate({})).metrics
        except (ValidationError, PluginError):
            continue  # its metrics depend on options, or it cannot be made here
        for metric, definition in {**metrics, "coverage": COVERAGE}.items():
            found[f"{name}.{metric}"] = traits_of(definition)
    return found


def of_policy(policy: PolicySpec, known: Mapping[str, Traits]) -> dict[str, Traits]:
    """The traits of every metric a policy names; what nobody defines is assumed."""
    names = dict.fromkeys(rule.metric for rule in policy.rules if rule.metric)
    return {
        name: known.get(name) or _assumed(name, [r for r in policy.rules if r.metric == name])
        for name in names
    }


def _assumed(name: str, rules: list[Rule]) -> Traits:
    """Take from the name and from how the rules ask what they allow, and say so."""
    last = name.rpartition(".")[2].rpartition("_")[2]
    ops = {rule.require.op for rule in rules if rule.require}
    every = any(rule.conform and rule.conform.expect == "all" for rule in rules)
    better = "higher" if every or (">=" in ops and "<=" not in ops) else "lower"
    why = "no scorer at hand defines it, so its direction is unknown"
    if any(rule.conform for rule in rules) or last in _SHARES:
        said = f"{why}; taken for a rate of outputs, in [0, 1]"
        return Traits(kind="Proportion", better=better, low=0.0, high=1.0, assumed=said)
    if last in _COUNTS or ops == {"=="}:
        said = f"{why}; taken for a count"
        return Traits(kind="Count", better=better, low=0.0, assumed=said)
    return Traits(kind="Mean", better=better, assumed=f"{why}; taken for any number")
