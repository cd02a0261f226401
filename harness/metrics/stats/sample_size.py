"""How many prompts a claim takes, so that a plan can be judged before it is run."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Literal

from harness.metrics.stats.proportion import exact_upper

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 1 << 40
"""No plan is larger; beyond it a claim counts as out of reach."""


def prompts_for_zero_events(limit: float, confidence: float) -> int:
    """Count the prompts that, with no event at all, bound a rate at `limit` or less.

    Args:
        limit: Largest acceptable rate, in (0, 1).
        confidence: One-sided confidence in [0.5, 1).

    >>> prompts_for_zero_events(0.01, 0.95), prompts_for_zero_events(0.001, 0.95)
    (299, 2995)
    """
    found = _least(lambda n: float(exact_upper(0, n, confidence)) <= limit)
    return MOST if found is None else found


def most_events(trials: int, limit: float, confidence: float) -> int | None:
    """Count the events a "rate <= limit" rule can bear among independent trials.

    Returns:
        None where even no event would not do.

    >>> most_events(1000, 0.10, 0.95), most_events(298, 0.01, 0.95)
    (84, None)
    """
    if float(exact_upper(0, trials, confidence)) > limit:
        return None
    over = _least(lambda k: float(exact_upper(min(k, trials), trials, confidence)) > limit)
    return trials if over is None else over - 1


def fewest_successes(trials: int, limit: float, confidence: float) -> int | None:
    """Count the successes a "rate >= limit" rule asks for among independent trials.

    Returns:
        None where even all of them would not do.

    >>> fewest_successes(1000, 0.90, 0.95)
    916
    """
    failures = most_events(trials, 1.0 - limit, confidence)
    return None if failures is None else trials - failures


def prompts_needed(
    rate: float,
    limit: float,
    op: Literal["<=", ">="],
    confidence: float,
    *,
    design_effect: float = 1.0,
    per_prompt: float = 1.0,
) -> int | None:
    """Count the prompts that would pass a rule on a proportion at the rate seen.

    Args:
        rate: The rate seen, in [0, 1].
        limit: The limit of the rule.
        op: Which side of the limit is good.
        confidence: One-sided confidence in [0.5, 1).
        design_effect: Outputs that carry as much evidence as one independent one.
        per_prompt: Outputs of each prompt.

    Returns:
        None where the rate itself does not keep the limit: no number would do.

    >>> prompts_needed(0.0, 0.01, "<=", 0.95, design_effect=4, per_prompt=4)
    299
    """
    if op == ">=":
        rate, limit = 1.0 - rate, 1.0 - limit
    if rate >= limit:
        return None
    outputs = _least(lambda n: float(exact_upper(rate * n, n, confidence)) <= limit)
    if outputs is None:
        return None
    prompts = ceil(outputs * design_effect / per_prompt - 1e-9)
    if per_prompt > 1.0:
        prompts = max(prompts, prompts_for_zero_events(limit, confidence))
    return prompts


def prompts_by_scaling(prompts: int, value: float, bound: float, limit: float) -> int | None:
    """Count the prompts at which a bound would reach `limit`, if the value stays.

    The distance of a bound from its value shrinks with the square root of the
    number of prompts.

    Args:
        prompts: Prompts the bound rests on.
        value: The number seen.
        bound: Its bound on the side of the limit.
        limit: The limit of the rule.

    Returns:
        None where value and bound do not lie on one side of each other as the
        limit does, so that no number of prompts would do.

    >>> prompts_by_scaling(100, 5.0, 7.0, 6.0)
    400
    """
    room, width = limit - value, bound - value
    if room * width <= 0.0:
        return None
    needed = prompts * (width / room) ** 2
    return ceil(needed - 1e-9) if needed < MOST else None


def _least(passes: Callable[[int], bool]) -> int | None:
    """Find the least positive n that passes, where all larger ones do too."""
    highest = 1
    while not passes(highest):
        highest *= 2
        if highest > MOST:
            return None
    lowest = highest // 2
    while highest - lowest > 1:
        middle = (lowest + highest) // 2
        lowest, highest = (lowest, middle) if passes(middle) else (middle, highest)
    return highest
