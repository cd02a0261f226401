"""How one rule is decided, and which side of a limit an interval lies on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.metrics.anytime import confidence_of_each
from harness.records import Outcome
from harness.spec.policy import Decide, PolicySpec, Rule

Op = Literal["<=", ">=", "==", "<", ">", "within"]
_WORST: tuple[Outcome, ...] = ("fail", "inconclusive", "pass")


@dataclass(frozen=True, slots=True)
class Terms:
    """A rule with its unset keys filled from the policy.

    Where a policy plans several attempts, each is held to a bound that is
    stricter by their number, so that trying again gains nothing.
    """

    rule: Rule
    confidence: float
    decide: Decide
    max_unscored: float
    n_min: int

    @classmethod
    def of(cls, rule: Rule, policy: PolicySpec) -> Terms:
        """Fill a rule's unset keys from the policy's defaults."""
        defaults, unscored = policy.defaults, rule.max_unscored
        confidence = rule.confidence or defaults.confidence
        return cls(
            rule=rule,
            confidence=confidence_of_each(confidence, policy.attempts),
            decide=rule.decide or defaults.decide,
            max_unscored=defaults.max_unscored if unscored is None else unscored,
            n_min=rule.n_min or defaults.n_min,
        )

    @property
    def least(self) -> int:
        """The fewest scored outputs that a slice, or everything, is decided on."""
        return max(self.n_min, self.rule.slices.min_n if self.rule.slices else 1)


def confidences(policy: PolicySpec) -> tuple[float, ...]:
    """Every confidence the policy's rules ask bounds at."""
    return tuple(sorted({Terms.of(rule, policy).confidence for rule in policy.rules}))


@dataclass(frozen=True, slots=True)
class Bar:
    """What a number must clear: `number op limit`; `within`: it is at most `limit` from 0."""

    op: Op
    limit: float

    def reading(self, low: float | None, high: float | None) -> Outcome:
        """Say where an interval lies: wholly inside, wholly outside, or across.

        >>> Bar("<=", 0.1).reading(0.02, 0.08), Bar("<", 0.0).reading(0.0, 0.0)
        ('pass', 'fail')
        """
        if self.op == "within":
            sides = (Bar("<=", self.limit), Bar(">=", -self.limit))
            return min((side.reading(low, high) for side in sides), key=_WORST.index)
        limit = self.limit
        above = low is not None and (low > limit or (self.op == "<" and low == limit))
        below = high is not None and (high < limit or (self.op == ">" and high == limit))
        if (above and self.op in ("<=", "<", "==")) or (below and self.op in (">=", ">", "==")):
            return "fail"
        inside = {
            "<=": high is not None and high <= limit,
            "<": high is not None and high < limit,
            ">=": low is not None and low >= limit,
            ">": low is not None and low > limit,
            "==": low == limit and high == limit,
        }[self.op]
        return "pass" if inside else "inconclusive"


def worst(outcomes: tuple[Outcome, ...]) -> Outcome:
    """The gravest of some outcomes of pass, fail and inconclusive."""
    return min(outcomes, key=_WORST.index)
