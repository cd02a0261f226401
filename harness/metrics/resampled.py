"""Estimates that need resampling: ratios of sums, and numbers of a whole set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import NonFiniteError, PluginError
from harness.metrics.rows import take
from harness.metrics.stats.bootstrap import ratio_bounds
from harness.metrics.stats.bounded_mean import bounded_upper
from harness.metrics.stats.clusters import total
from harness.metrics.stats.jackknife import bounds_without, groups_of, unbiased, without_each
from harness.metrics.stats.proportion import exact_upper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.metrics.result import Estimate
    from harness.metrics.rows import Column, Rows
    from harness.protocols import OfSet, Ratio

SEED = 0
"""Seed of every bootstrap: the same rows give the same bounds."""


def ratio_estimate(kind: Ratio, rows: Rows, confidence: float, blank: Estimate) -> Estimate:
    """Estimate a ratio of sums: BCa bootstrap over prompts; unbounded once a row is missing.

    Raises:
        PluginError: If a denominator is negative.
    """
    sums = ratio_sums(kind, rows)
    value = transformed(kind, total(sums[:, 0]), total(sums[:, 1]))
    if value is None:
        return replace(blank, cause="undefined")
    if blank.missing:
        return replace(blank, value=value, cause="unscored")
    found = ratio_bounds(sums, confidence, seed=SEED)
    if found is None:
        cause = "no_spread" if rows.layout.clusters > 1 else "insufficient_n"
        return replace(blank, value=value, cause=cause)
    low, high = transformed(kind, found.low, 1.0), transformed(kind, found.high, 1.0)
    return replace(blank, value=value, low=low, high=high)


def ratio_sums(kind: Ratio, rows: Rows) -> NDArray[np.float64]:
    """Add numerators and denominators up by prompt: float64 [C, 2].

    Raises:
        PluginError: If a denominator is negative.
    """
    denominators = rows.floats(kind.denominator)
    if (denominators < 0.0).any():
        raise PluginError("a denominator is negative", where=f"column {kind.denominator}")
    numerators = rows.layout.sums(rows.floats(kind.numerator))
    return np.stack((numerators, rows.layout.sums(denominators)), axis=1)


def transformed(kind: Ratio, numerator: float, denominator: float) -> float | None:
    """Divide and transform; None where there is no denominator or the number overflows."""
    if denominator <= 0.0:
        return None
    ratio = numerator / denominator
    if kind.transform == "identity":
        return ratio
    with np.errstate(over="ignore"):
        grown = float(np.exp(ratio))
    return grown if isfinite(grown) else None


def ratio_weight(kind: Ratio, rows: Rows) -> float:
    """Count the prompts as if their denominators were equal: (sum d)^2 / sum d^2."""
    weights = rows.layout.sums(rows.floats(kind.denominator))
    squares = total(weights * weights)
    return total(weights) ** 2 / squares if squares > 0.0 else 0.0


def set_estimate(kind: OfSet, rows: Rows, confidence: float, blank: Estimate) -> Estimate:
    """Estimate a number of the whole set: delete-a-group jackknife over prompts.

    Raises:
        NonFiniteError: If the number, or a value it is made from, is not finite.
        PluginError: If the kind's quick way does not give a number for each group.
    """
    outputs = ordered_set(kind, rows)
    if blank.missing:
        value = outputs.number(kind)
        return replace(blank, value=value, cause="undefined" if value is None else "unscored")
    plain = outputs.plain(kind)
    if plain is None:
        return replace(blank, cause="undefined")
    without = outputs.without(kind, groups_of(outputs.ranks))
    value = _value(kind, plain, without)
    if value is None:
        return replace(blank, cause="undefined")
    found = bounds_without(value, without, confidence)
    return replace(blank, value=value, low=found.low, high=found.high, cause=found.cause)


@dataclass(frozen=True, slots=True)
class OrderedSet:
    """The columns of a set in one order of rows, and the prompt of each (int64 [n]).

    `references` are given to the function as they are, whatever rows are picked.
    """

    columns: Mapping[str, Column]
    ranks: NDArray[np.int64]
    references: Mapping[str, Column]

    def number(self, kind: OfSet) -> float | None:
        """Compute the metric of the whole set, less its bias where its kind says so.

        Raises:
            NonFiniteError: If it is NaN or an infinity.
        """
        value = self.plain(kind)
        if value is None or kind.bias == "kept":
            return value
        return _value(kind, value, self.without(kind, groups_of(self.ranks)))

    def plain(self, kind: OfSet) -> float | None:
        """Compute the metric of the whole set, with its bias.

        Raises:
            NonFiniteError: If it is NaN or an infinity.
        """
        value = kind.function({**self.columns, **self.references})
        if value is not None and not isfinite(value):
            raise NonFiniteError("a metric of a set of outputs is not finite")
        return value

    def part(self, kind: OfSet, picked: NDArray[np.int64]) -> float | None:
        """Compute the metric of some rows, with its bias."""
        some = {name: take(column, picked) for name, column in self.columns.items()}
        return kind.function({**some, **self.references})

    def without(self, kind: OfSet, group: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Compute the metric without each group of rows in turn: float64 [G].

        None where there are fewer than two groups, or some rest has no number.

        Args:
            kind: The metric; its quick way is taken where it has one.
            group: int64 [n], each row's group, from 0 to G - 1 without gaps.

        Raises:
            PluginError: If the quick way gives another count of numbers.
        """
        count = int(group.max(initial=0)) + 1
        if kind.without is None or count < 2:
            return without_each(partial(self.part, kind), group)
        found = kind.without({**self.columns, **self.references}, group)
        if found is not None and found.shape != (count,):
            raise PluginError(
                f"a metric without each of {count} groups is {count} numbers",
                where=f"an array of shape {found.shape}",
            )
        return found


def _value(kind: OfSet, plain: float, without: NDArray[np.float64] | None) -> float | None:
    if kind.bias == "kept":
        return plain
    return None if without is None else unbiased(plain, without)


def ordered_set(kind: OfSet, rows: Rows) -> OrderedSet:
    """Put rows in their canonical order.

    Raises:
        NonFiniteError: If a value is NaN or an infinity.
    """
    order = rows.canonical(kind.columns)
    columns = {name: take(rows.columns[name], order) for name in kind.columns}
    for name, column in columns.items():
        if isinstance(column, np.ndarray) and not np.isfinite(column).all():
            raise NonFiniteError("a score is not finite", where=f"column {name}")
    references = {name: rows.columns[name] for name in kind.references}
    return OrderedSet(columns, rows.layout.scored[order], references)


def hold_share(found: Estimate, prompts: float, confidence: float) -> Estimate:
    """Hold a share's bounds to [0, 1], and no narrower than so many prompts allow.

    Where all prompts agree, resampling says nothing and the bound of a bounded
    mean stands in, so that no duplicates in 30 prompts is not "none at all".
    """
    value = found.value
    if value is None or found.missing or not 0.0 <= value <= 1.0 or prompts <= 0.0:
        return found
    if found.cause == "no_spread":
        least = 1.0 - bounded_upper(1.0 - value, prompts, confidence)
        return replace(
            found, low=least, high=bounded_upper(value, prompts, confidence), cause=""
        )
    if found.low is None or found.high is None:
        return found
    apart = float(exact_upper(0, prompts, confidence))
    low, high = min(found.low, 1.0 - apart), max(found.high, apart)
    return replace(found, low=max(0.0, low), high=min(1.0, high))
