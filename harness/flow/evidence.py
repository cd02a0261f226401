"""Everything a verdict may rest on, in one place: what was measured, and what was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from harness.records import Attempt, Identity, Metric

ArmName = tuple[str, str]
"""A generator's and a strategy's name."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Why something cannot be answered: a cause of policy.md, and the reason in words."""

    cause: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One difference: metric(arm) - scale * metric(against), on one slice."""

    arm: ArmName
    against: str
    metric: str
    slice: str
    scale: float
    confidence: float
    paired: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """The answer: the difference with its bounds, and the other side's own value."""

    metric: Metric
    theirs: float | None


@dataclass(frozen=True, slots=True)
class Signed:
    """A document that is there: its digest, and who signed those very bytes."""

    sha256: str
    signers: tuple[str, ...]
    invalid: tuple[str, ...] = ()


def _no_baseline(question: Question) -> Difference | Gap:
    return Gap("missing_metric", f"there is no run to compare with as {question.against}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What `judge` reads. It measures nothing itself; three callables answer when asked.

    `metrics` holds every metric at each confidence the policy names, `at` gives
    one of them at another confidence, and `contrast` a difference. `prompts` are
    the tags of each distinct planned prompt. `partial` names the arms whose plan
    was not gone through to the end, because a sequential gate stopped. `absent`
    names baselines that are known not to exist: unknown is another matter.
    `arm_subjects` digest each arm's model and way of sampling, without their names.
    `committed` says that the seed was written down before anything was generated.
    """

    metrics: Sequence[Metric]
    at: Callable[[Metric, float], Metric] = lambda metric, _: metric
    contrast: Callable[[Question], Difference | Gap] = _no_baseline
    absent: frozenset[str] = frozenset()
    arm_subjects: Mapping[ArmName, str] = field(default_factory=dict)
    prompts: Sequence[Mapping[str, str]] = ()
    documents: Mapping[str, Signed] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, Identity] = field(default_factory=dict)
    suite: str = ""
    scorers: Mapping[str, str] = field(default_factory=dict)
    attempts: Sequence[Attempt] = ()
    committed: bool = True
    partial: frozenset[ArmName] = frozenset()
    today: date | None = None
