"""Differences that need resampling: of ratios of sums, and of numbers of whole sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.resampled import (
    SEED,
    ordered_set,
    ratio_sums,
    ratio_weight,
    transformed,
)
from harness.metrics.stats.bootstrap import ratios, smooth_bounds
from harness.metrics.stats.bounded_mean import agreed_upper
from harness.metrics.stats.clusters import total
from harness.metrics.stats.jackknife import JackknifeBounds, bounds_without, groups_of
from harness.metrics.stats.proportion import exact_upper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.metrics.paired import Paired
    from harness.metrics.result import Estimate
    from harness.protocols import OfSet, Ratio


@dataclass(frozen=True, slots=True)
class RatioDifference:
    """transform(ratio of ours) - scale * transform(ratio of theirs), of totals."""

    kind: Ratio
    scale: float

    def __call__(self, totals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute it of float64 [D, 4], both sides' numerators and denominators: [D].

        Not finite where a denominator is not above 0 or a number overflows.
        """
        ours, theirs = self.parts(totals)
        with np.errstate(invalid="ignore"):
            return np.asarray(ours - theirs)

    def parts(self, totals: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Compute what is subtracted from what: twice float64 [D]."""
        sides = [ratios(totals[:, :2]), ratios(totals[:, 2:])]
        if self.kind.transform == "exp":
            with np.errstate(over="ignore"):
                sides = [np.exp(side) for side in sides]
        return [sides[0], self.scale * sides[1]]

    def has_spread(self, units: NDArray[np.float64]) -> bool:
        """Say whether leaving out a unit of float64 [U, 4] moves it, beyond rounding."""
        whole = units.sum(axis=0)
        moved = self(whole - units) - self(whole[None, :])
        size = float(np.abs(self.parts(whole[None, :])).sum())
        return not bool((np.abs(moved) * units.shape[0] <= 1e-9 * size).all())

    def leave_one_out(
        self, sums: NDArray[np.float64], confidence: float
    ) -> tuple[float, float]:
        """Give its value and t(C - 1) times its delete-one error, of float64 [C, 4]."""
        from scipy.special import stdtrit

        whole = np.array([total(column) for column in sums.T])
        left, count = self(whole - sums), float(sums.shape[0])
        apart = left - total(left) / count
        error = sqrt((count - 1.0) / count * total(apart * apart))
        return float(self(whole[None, :])[0]), float(stdtrit(count - 1.0, confidence)) * error


def ratio_contrast(
    kind: Ratio, both: Paired, confidence: float, blank: Estimate, *, unit: str
) -> Estimate:
    """Estimate a difference of ratios; unbounded once a row is missing.

    Each bound is the farther of the BCa bootstrap's and the delete-one jackknife's
    t bound. BCa alone is too narrow for differences of perplexities: of 1,500
    simulated pairs of 30 prompts its lower bound at 95 % held in 93.0 %, that of
    the jackknife in 97.4 %. Swapping the sides at scale 1 mirrors the bounds exactly.

    Raises:
        PluginError: If a denominator is negative.

    Source:
        Efron (1987), BCa; Tukey (1958), jackknife.
    """
    sums = np.concatenate([ratio_sums(kind, rows) for rows in both.rows], axis=1)
    parts = [transformed(kind, total(side[0]), total(side[1])) for side in
             (sums[:, :2].T, sums[:, 2:].T)]  # fmt: skip
    if parts[0] is None or parts[1] is None:
        return replace(blank, cause="undefined")
    start = replace(blank, value=parts[0] - both.scale * parts[1])
    if blank.missing:
        return replace(start, cause="unscored")
    low, high = _ratio_bounds(RatioDifference(kind, both.scale), sums, confidence)
    cause = "" if low is not None else "no_spread" if both.sizes.size > 1 else "insufficient_n"
    found = replace(start, low=low, high=high, cause=cause)
    if unit != "share":
        return found
    weight = min(ratio_weight(kind, rows) for rows in both.rows)
    return _hold_shares(found, weight, both.scale, confidence)


def _ratio_bounds(
    difference: RatioDifference, sums: NDArray[np.float64], confidence: float
) -> tuple[float | None, float | None]:
    turned = sums[:, [2, 3, 0, 1]]
    swap = difference.scale == 1.0 and sorted(turned.tolist()) < sorted(sums.tolist())
    found = smooth_bounds(
        turned if swap else sums, difference, confidence, has_spread=difference.has_spread,
        seed=SEED,
    )  # fmt: skip
    if found is None:
        return None, None
    low, high = (-found.high, -found.low) if swap else (found.low, found.high)
    value, reach = difference.leave_one_out(sums, confidence)
    return min(low, value - reach), max(high, value + reach)


def set_contrast(
    kind: OfSet, both: Paired, confidence: float, blank: Estimate, *, unit: str
) -> Estimate:
    """Estimate a difference of numbers of whole sets; unbounded once a row is missing.

    Raises:
        NonFiniteError: If a number, or a value it is made from, is not finite.
    """
    if blank.missing:
        parts = [ordered_set(kind, rows).number(kind) for rows in both.rows]
        if parts[0] is None or parts[1] is None:
            return replace(blank, cause="undefined")
        return replace(blank, value=parts[0] - both.scale * parts[1], cause="unscored")
    value, found = set_jackknife(kind, both, confidence)
    if value is None:
        return replace(blank, cause="undefined")
    held = replace(blank, value=value, low=found.low, high=found.high, cause=found.cause)
    if unit != "share":
        return held
    return _hold_shares(held, float(both.sizes.size), both.scale, confidence)


def set_jackknife(
    kind: OfSet, both: Paired, confidence: float
) -> tuple[float | None, JackknifeBounds]:
    """Compute the difference of two sets, and its jackknife over groups of shared prompts."""
    ours, theirs = (ordered_set(kind, rows) for rows in both.rows)
    x, y = ours.number(kind), theirs.number(kind)
    if x is None or y is None:
        return None, JackknifeBounds()
    value = x - both.scale * y
    mine = ours.without(kind, groups_of(ours.ranks))
    other = theirs.without(kind, groups_of(theirs.ranks))
    apart = None if mine is None or other is None else mine - both.scale * other
    return value, bounds_without(value, apart, confidence)


def _hold_shares(found: Estimate, prompts: float, scale: float, confidence: float) -> Estimate:
    """Hold a difference of shares to [-scale, 1], and no narrower than the prompts allow."""
    value, span = found.value, 1.0 + scale
    if value is None or prompts <= 0.0 or not -scale <= value <= 1.0:
        return found
    if found.cause == "no_spread":
        up = agreed_upper((value + scale) / span, prompts, confidence)
        down = agreed_upper((1.0 - value) / span, prompts, confidence)
        return replace(found, low=1.0 - span * down, high=span * up - scale, cause="")
    if found.low is None or found.high is None:
        return found
    apart = span * float(exact_upper(0, prompts, confidence))
    low, high = min(found.low, 1.0 - apart), max(found.high, apart - scale)
    return replace(found, low=max(-scale, low), high=min(1.0, high))
