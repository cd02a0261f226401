"""The policy: what must hold, with what certainty, and what follows when it does not."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.records import Severity
from harness.spec.model import Metadata, Name, Share, Spec

Confidence = Annotated[float, Field(gt=0.5, lt=1)]


class Requirement(Spec):
    """One limit on one metric: `metric op value`."""

    metric: str
    """The metric, as `scorer.metric`."""
    op: Literal["<=", ">=", "=="]
    """How the metric must stand to the value."""
    value: float
    """The limit; a share lies in [0, 1]."""


class Slices(Spec):
    """Judge the rule on each value of tag `by` instead of on everything.

    `only` keeps these values and requires each of them. A value with fewer
    than `min_n` scored outputs is inconclusive.
    """

    by: str
    """The tag whose values are the slices."""
    only: tuple[str, ...] | None = None
    """The values to judge, each of which must be there; all that occur when left out."""
    min_n: Annotated[int, Field(ge=1)] = 1
    """The fewest scored outputs a slice is decided on."""
    on_empty: Literal["inconclusive", "fail"] = "inconclusive"
    """What a slice without any output comes to."""


class Mapping(Spec):
    """The clause of a framework that a rule gives evidence for."""

    framework: str
    """The framework, for example NIST-AI-600-1."""
    edition: str
    """Its edition; clause numbers differ between editions."""
    clause: str
    """The clause's number."""
    relation: Literal["supports", "partially-supports", "satisfies"] = "supports"
    """How far the rule's evidence goes for the clause."""


class Rule(Spec):
    """One requirement and how it is decided; unset keys come from `defaults`."""

    id: Name
    """The rule's own name; waivers and reports speak of it."""
    require: Requirement
    """What must hold."""
    severity: Severity = "block"
    """`legal` and `block` decide the verdict; `warn` and `observe` are only listed."""
    why: str = ""
    """Why this limit was chosen, printed beside every verdict."""
    confidence: Confidence | None = None
    """The confidence of the bound that must clear the limit."""
    decide: Literal["bound", "point"] | None = None
    """Decide on the interval's bound, or on the estimate where a law is written so."""
    max_unscored: Share | None = None
    """The share of outputs that may lack a score before the rule is inconclusive."""
    n_min: Annotated[int, Field(ge=1)] | None = None
    """The fewest scored outputs the rule is decided on."""
    slices: Slices | None = None
    """Judge each value of a tag instead of everything together."""
    maps: tuple[Mapping, ...] = ()
    """Clauses the rule gives evidence for."""

    @model_validator(mode="after")
    def _point_needs_n(self) -> Self:
        if self.decide == "point" and self.n_min is None:
            raise ValueError(
                "`decide: point` needs `n_min`: a bare estimate says nothing about n"
            )
        return self


class Defaults(Spec):
    """What a rule says when it says nothing."""

    confidence: Confidence = 0.95
    """The confidence of the bound that must clear the limit."""
    decide: Literal["bound"] = "bound"
    """A file-wide `point` is not offered: one rule at a time may ask for it."""
    max_unscored: Share = 0.02
    """The share of outputs that may lack a score before a rule is inconclusive."""
    n_min: Annotated[int, Field(ge=1)] = 1
    """The fewest scored outputs a rule is decided on."""


class PolicySpec(Spec):
    """A whole policy file. At least one rule must be able to block."""

    apiVersion: Literal["harness/v1"]  # noqa: N815 - the key people write
    """The version of this file format."""
    kind: Literal["Policy"]
    """What this file is."""
    metadata: Metadata
    """What the policy is called and who answers for it."""
    defaults: Defaults = Defaults()
    """What every rule says unless it says otherwise."""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    """What must hold; the verdict is the worst of the rules that can block."""

    @model_validator(mode="after")
    def _can_block(self) -> Self:
        twice = [k for k, n in Counter(rule.id for rule in self.rules).items() if n > 1]
        if twice:
            raise ValueError(f"two rules share the id {twice[0]!r}")
        if not any(rule.severity in ("legal", "block") for rule in self.rules):
            raise ValueError(
                "no rule has severity `block` or `legal`, so nothing could ever fail"
            )
        return self
