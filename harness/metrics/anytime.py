"""Bounds that hold at every look, for rows that are looked at while they grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import SpecError
from harness.metrics.per_prompt import prompt_numbers
from harness.metrics.stats.betting import betting_lower, betting_upper
from harness.metrics.stats.mean import worst_sums
from harness.protocols import (
    Count,
    Kind,
    Mean,
    OfSet,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.metrics.result import Estimate
    from harness.metrics.rows import Rows

EACH_LOOK: Mapping[type[Kind], str] = {
    Proportion: "betting",
    Mean: "betting",
    Ratio: "union",
    Quantile: "union",
    Count: "",
    PerPrompt: "betting",
    OfSet: "union",
}
"""How each kind's interval is made to hold at every look."""


def confidence_of_each(confidence: float, looks: int) -> float:
    """Share the error out among looks, attempts or sides: 1 - (1 - confidence) / looks.

    Args:
        confidence: One-sided confidence for all of them together.
        looks: How many there will be; 0 where there is a single, planned one.

    Raises:
        SpecError: If `looks` is negative.

    Source:
        Bonferroni (1936).

    >>> round(confidence_of_each(0.95, 10), 6), confidence_of_each(0.95, 0)
    (0.995, 0.95)
    """
    if looks < 0:
        raise SpecError("there are 0 looks or more", where=f"{looks}")
    return confidence if looks <= 1 else 1.0 - (1.0 - confidence) / looks


def hold_at_every_look(kind: Kind, rows: Rows, found: Estimate, confidence: float) -> Estimate:
    """Put betting bounds in place of shared-out ones where the values are bounded.

    The mean must be one of independent prompts: each has one value in [0, 1]
    (the mean of its rows, or its number), a missing row counts as the worst it
    could be, and rows per prompt are the same for all. Where they are not, or
    the kind has no bounds, `found` stands as it is.

    Rows must grow by whole prompts, in an order chosen without looking at
    scores; then the bounds hold at any stopping time, not only at the looks
    that were planned.

    Args:
        kind: What the metric is.
        rows: Scored rows, and what is planned so far.
        found: The estimate with bounds that hold at every planned look.
        confidence: Of each bound, for all looks together.

    Source:
        Waudby-Smith and Ramdas (2024); see `betting`.
    """
    values = None if found.value is None else _prompt_values(kind, rows)
    if values is None:
        return found
    floor, ceiling = values.bounds
    if floor is None or ceiling is None or ceiling <= floor:
        return found
    lowest, highest = worst_sums(values.sums, values.lost, values.bounds)
    span = ceiling - floor
    low = betting_lower((lowest / values.rows - floor) / span, confidence)
    high = betting_upper((highest / values.rows - floor) / span, confidence)
    return replace(found, low=floor + span * low, high=floor + span * high, cause="")


@dataclass(frozen=True, slots=True)
class _PromptValues:
    """What is known of each prompt: float64 [C] sums, how many of its `rows` are lost."""

    sums: NDArray[np.float64]
    lost: NDArray[np.float64]
    rows: float
    bounds: tuple[float | None, float | None]


def _prompt_values(kind: Kind, rows: Rows) -> _PromptValues | None:
    layout = rows.layout
    if isinstance(kind, PerPrompt):
        found = prompt_numbers(kind, rows)
        return _PromptValues(found.known, found.lost, 1.0, kind.bounds)
    each = float(layout.sizes[0])
    if (layout.sizes != each).any():
        return None
    match kind:
        case Proportion():
            sums = layout.sums(rows.events(kind.column))
            return _PromptValues(sums, layout.missing_sizes, each, (0.0, 1.0))
        case Mean():
            sums = layout.sums(rows.floats(kind.column, kind.bounds))
            return _PromptValues(sums, layout.missing_sizes, each, kind.bounds)
    return None


__all__ = ["EACH_LOOK", "confidence_of_each", "hold_at_every_look"]
