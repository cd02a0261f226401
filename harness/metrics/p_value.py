"""How surprising a difference of two arms is if they do not differ at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.contrast_resampled import RatioDifference, set_jackknife
from harness.metrics.paired import Paired, Side, pair
from harness.metrics.per_prompt import prompt_numbers
from harness.metrics.resampled import ratio_sums
from harness.metrics.stats.permutation import ROUNDING, swap_p_value
from harness.protocols import (
    Count,
    Mean,
    MetricDef,
    OfSet,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUANTILE_DRAWS = 1_999
CELLS = 1 << 20
"""Values held at once."""


def contrast_p_value(
    definition: MetricDef, ours: Side, theirs: Side, *, seed: int = 0
) -> float | None:
    """Test "no difference", two-sided, by swapping the sides of whole prompts.

    Prompts in which either side lacks a score are left out, so the test speaks of
    the others alone; the bounds of `contrast` are what accounts for them. A set's
    number (OfSet) has a t test instead, on the standard error of its jackknife
    with one less degrees of freedom than groups: swapping prompts would mix texts
    of two arms in one set.

    Args:
        definition: What the metric is.
        ours: One arm.
        theirs: The other: the same prompts, each planned as often.
        seed: Names the swaps drawn.

    Returns:
        None for a Count, which is no estimate; with fewer rows than `n_min` in
        complete prompts; and where the number does not exist.

    Raises:
        SpecError: If the sides plan different prompts.

    Source:
        Fisher (1935), the paired permutation test.

    >>> import numpy as np
    >>> speed = MetricDef(kind=Mean("x"), unit="s", better="lower")
    >>> none, prompts = np.array([], dtype=np.int64), np.arange(3)
    >>> ours = Side({"x": np.array([1.0, 2.0, 4.0])}, prompts, none)
    >>> theirs = Side({"x": np.zeros(3)}, prompts, none)
    >>> contrast_p_value(speed, ours, theirs)
    0.25
    """
    kind = definition.kind
    references = kind.references if isinstance(kind, OfSet) else ()
    both = pair(ours, theirs, 1.0).complete(references)
    if both.blank.n < max(1, definition.n_min):
        return None
    found: float | None = None
    match kind:
        case Proportion() | Mean():
            found = _sums(kind, both, seed)
        case PerPrompt():
            found = _per_prompt(kind, both, seed)
        case Ratio():
            found = _ratio(kind, both, seed)
        case Quantile():
            found = _quantile(kind, both, seed)
        case OfSet():
            found = _of_set(kind, both)
        case Count():
            pass
    return found


def _sums(kind: Proportion | Mean, both: Paired, seed: int) -> float:
    sides = []
    for rows in both.rows:
        if isinstance(kind, Proportion):
            values = rows.events(kind.column)
        else:
            values = rows.floats(kind.column, kind.bounds)
        sides.append(rows.layout.sums(values)[:, None])
    return swap_p_value(sides[0], sides[1], _first_apart, seed=seed)


def _per_prompt(kind: PerPrompt, both: Paired, seed: int) -> float | None:
    x, y = (prompt_numbers(kind, rows) for rows in both.rows)
    kept = x.defined & y.defined
    if not kept.any():
        return None
    ours, theirs = x.numbers[kept, None], y.numbers[kept, None]
    return swap_p_value(ours, theirs, _first_apart, seed=seed)


def _first_apart(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ours[:, 0] - theirs[:, 0])


def _ratio(kind: Ratio, both: Paired, seed: int) -> float | None:
    difference = RatioDifference(kind, 1.0)
    ours, theirs = (ratio_sums(kind, rows) for rows in both.rows)
    totals = np.concatenate((ours.sum(axis=0), theirs.sum(axis=0)))
    if not np.isfinite(difference(totals[None, :])).all():
        return None
    return swap_p_value(
        ours, theirs, lambda a, b: difference(np.concatenate((a, b), axis=1)), seed=seed
    )


def _quantile(kind: Quantile, both: Paired, seed: int) -> float:
    """Swap prompts at random and compare the quantiles, QUANTILE_DRAWS times."""
    sides = []
    for rows in both.rows:
        values = rows.floats(kind.column)
        sides.append(values[np.lexsort((values, rows.layout.scored))])
    owner = np.sort(both.ours.layout.scored)
    observed = abs(float(np.quantile(sides[0], kind.q) - np.quantile(sides[1], kind.q)))
    rng = np.random.Generator(np.random.PCG64(seed))
    far, done = 0, 0
    least = observed - ROUNDING * max(observed, float(np.abs(sides).max()))
    while done < QUANTILE_DRAWS:
        size = min(max(1, CELLS // owner.size), QUANTILE_DRAWS - done)
        swapped = rng.random((size, both.sizes.size))[:, owner] < 0.5
        first, second = (np.where(swapped, sides[i], sides[1 - i]) for i in (0, 1))
        apart = np.quantile(first, kind.q, axis=1) - np.quantile(second, kind.q, axis=1)
        far += int((np.abs(apart) >= least).sum())
        done += size
    return (1.0 + far) / (1.0 + QUANTILE_DRAWS)


def _of_set(kind: OfSet, both: Paired) -> float | None:
    from scipy.special import stdtr

    value, found = set_jackknife(kind, both, 0.95)
    if value is not None and found.cause == "no_spread":
        return 1.0 if value == 0.0 else None
    if value is None or found.error is None:
        return None
    return 2.0 * float(stdtr(float(found.freedom), -abs(value) / found.error))
