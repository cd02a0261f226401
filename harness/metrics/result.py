"""What estimating a metric comes to: a value, its bounds and its denominator."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A metric's value with a one-sided bound on each side; None means unbounded.

    `n` rows were scored and `missing` were not, over `clusters` prompts.
    `design_effect` is how many outputs carry the evidence of one independent
    one. `cause` says why something is None:

    - `insufficient_n`: too few outputs, or fewer than two prompts;
    - `unscored`: a missing value could be anything;
    - `undefined`: the number does not exist for these rows;
    - `no_spread`: all prompts agree, which bounds nothing without declared bounds.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int
    missing: int
    clusters: int
    design_effect: float | None = None
    cause: str = ""


def ordered(found: Estimate) -> Estimate:
    """Let rounding never put the value outside its own bounds.

    >>> ordered(Estimate(value=0.1, low=0.1 + 1e-17, high=0.3, n=9, missing=0, clusters=9)).low
    0.1
    """
    if found.value is None:
        return found
    low = None if found.low is None else float(min(found.low, found.value))
    high = None if found.high is None else float(max(found.high, found.value))
    return replace(found, low=low, high=high)
