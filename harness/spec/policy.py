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
    op: Literal["<=", ">=", "=="]
    value: float


class Slices(Spec):
    """Judge the rule on each value of tag `by` instead of on everything.

    `only` keeps these values and requires each of them. A value with fewer
    than `min_n` scored outputs is inconclusive.
    """

    by: str
    only: tuple[str, ...] | None = None
    min_n: Annotated[int, Field(ge=1)] = 1
    on_empty: Literal["inconclusive", "fail"] = "inconclusive"


class Mapping(Spec):
    """The clause of a framework that a rule gives evidence for."""

    framework: str
    edition: str
    clause: str
    relation: Literal["supports", "partially-supports", "satisfies"] = "supports"


class Rule(Spec):
    """One requirement and how it is decided; unset keys come from `defaults`."""

    id: Name
    require: Requirement
    severity: Severity = "block"
    why: str = ""
    confidence: Confidence | None = None
    decide: Literal["bound", "point"] | None = None
    max_unscored: Share | None = None
    n_min: Annotated[int, Field(ge=1)] | None = None
    slices: Slices | None = None
    maps: tuple[Mapping, ...] = ()

    @model_validator(mode="after")
    def _point_needs_n(self) -> Self:
        if self.decide == "point" and self.n_min is None:
            raise ValueError("`decide: point` needs `n_min`: a bare estimate says nothing about n")
        return self


class Defaults(Spec):
    """What a rule says when it says nothing."""

    confidence: Confidence = 0.95
    decide: Literal["bound"] = "bound"
    max_unscored: Share = 0.02
    n_min: Annotated[int, Field(ge=1)] = 1


class PolicySpec(Spec):
    """A whole policy file. At least one rule must be able to block."""

    apiVersion: Literal["harness/v1"]  # noqa: N815 - the key people write
    kind: Literal["Policy"]
    metadata: Metadata
    defaults: Defaults = Defaults()
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _can_block(self) -> Self:
        twice = [k for k, n in Counter(rule.id for rule in self.rules).items() if n > 1]
        if twice:
            raise ValueError(f"two rules share the id {twice[0]!r}")
        if not any(rule.severity in ("legal", "block") for rule in self.rules):
            raise ValueError("no rule has severity `block` or `legal`, so nothing could ever fail")
        return self
