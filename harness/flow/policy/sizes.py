"""How many prompts a rule on a rate takes, and the chance it passes, by the exact binomial.

Bad outputs are those the rule is against: events of a rate that must be low,
and what is no event of a rate that must be high. One output of each prompt is
reckoned with; further outputs of the same prompts add hardly any evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

from harness.flow.terms import Bar, Terms
from harness.metrics.stats.sample_size import MOST, fewest_successes, most_events
from harness.spec.requirement import Requirement

_MOST_BAD = 2_000
"""Plans that bear more bad outputs than this are not looked for."""


@dataclass(frozen=True, slots=True)
class Tally:
    """One rule on a rate: at which counts of bad outputs among n it passes.

    `least` is the fewest outputs that it is decided on.
    """

    require: Requirement
    confidence: float
    point: bool = False
    least: int = 1

    @classmethod
    def of(cls, terms: Terms, require: Requirement) -> Tally:
        """Take what a rule asks, with its keys filled."""
        return cls(require, terms.confidence, terms.decide == "point", terms.least)

    @property
    def allowed(self) -> float:
        """The largest share of bad outputs that keeps the limit, in [0, 1]."""
        limit = self.require.value if self.require.op == "<=" else 1.0 - self.require.value
        return min(1.0, max(0.0, limit))

    def bears(self, n: int) -> int | None:
        """How many of n outputs may be bad; None where even none is too little.

        >>> ninety = Requirement(metric="m.rate", op=">=", value=0.9)
        >>> Tally(ninety, 0.95).bears(1000)
        84
        """
        if n < max(1, self.least):
            return None
        if self.point:
            return self._by_estimate(n)
        if self.require.op == "<=":
            return most_events(n, self.require.value, self.confidence)
        good = fewest_successes(n, self.require.value, self.confidence)
        return None if good is None else n - good

    def prompts(self, bad: int) -> int | None:
        """The fewest prompts that pass with so many bad outputs; None beyond all reach.

        >>> [Tally(Requirement(metric="m.rate", op="<=", value=0.01), 0.95).prompts(k)
        ...  for k in (0, 1, 2)]
        [299, 473, 628]
        """
        return _least(max(1, self.least, bad), lambda n: _at_least(self.bears(n), bad))

    def chance(self, n: int, rate: float) -> float:
        """The chance to pass with n prompts, if the true share of bad outputs is `rate`."""
        from scipy.special import bdtr

        bears = self.bears(n)
        return 0.0 if bears is None else float(bdtr(bears, n, rate))

    def prompts_for(self, rate: float, power: float) -> int | None:
        """The fewest prompts from which on the chance to pass is `power` or more.

        As n grows the chance falls until one more bad output is borne, and then
        leaps: the number returned keeps it at the lowest of these troughs too.
        """
        from scipy.special import bdtr

        if rate >= self.allowed:
            return None
        for bad in range(_MOST_BAD):
            first, following = self.prompts(bad), self.prompts(bad + 1)
            if first is None or following is None:
                return None
            if bdtr(bad, following - 1, rate) >= power:
                return first
        return None

    def _by_estimate(self, n: int) -> int | None:
        bar = Bar(self.require.op, self.require.value)
        most = min(n, floor(self.allowed * n) + 1)
        for bad in range(most, max(-1, most - 3), -1):
            events = bad if self.require.op == "<=" else n - bad
            if bar.reading(events / n, events / n) == "pass":
                return bad
        return None


def pairs_for(
    margin: float, discordant: float, confidence: float, power: float, *, sides: int = 1
) -> int:
    """Count the pairs that show two equal models to be within a margin of each other.

    Args:
        margin: Of the difference of two rates, above 0.
        discordant: Share of prompts on which just one of the two is bad.
        confidence: One-sided.
        power: The chance to pass.
        sides: 1 for non-inferiority, 2 for equivalence.

    Source:
        Connor (1987), "Sample size for testing differences in proportions for
        the paired-sample design", with no true difference.

    >>> pairs_for(0.05, 0.1, 0.95, 0.8)
    248
    """
    from scipy.special import ndtri

    reach = float(ndtri(confidence) + ndtri(1.0 - (1.0 - power) / sides))
    return ceil(discordant * (reach / margin) ** 2 - 1e-9)


def _at_least(bears: int | None, bad: int) -> bool:
    return bears is not None and bears >= bad


def _least(start: int, passes: Callable[[int], bool]) -> int | None:
    """The least n from `start` on that passes, where larger ones do too."""
    highest = start
    while not passes(highest):
        highest *= 2
        if highest > MOST:
            return None
    lowest = max(start - 1, highest // 2)
    while highest - lowest > 1:
        middle = (lowest + highest) // 2
        lowest, highest = (lowest, middle) if passes(middle) else (middle, highest)
    return highest
