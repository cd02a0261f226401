"""What a comparison of arms comes to: numbers side by side, differences, and the front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.records import Outcome

Standing = Literal["better", "worse", "not shown", "not comparable"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One concern, and the metric that stands for it."""

    concern: str
    metric: str
    unit: str
    better: Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Point:
    """One arm's value on one axis, with the bounds of its own 95 % interval (two-sided)."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    missing: int
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One arm: its points by metric, its verdict, and whether something dominates it.

    `front` is whether no arm that it can be compared with is at least as good on
    every axis and better on one, by the values seen; `dominated_by` names those
    that are. `policy` is the digest of what the verdict is by.
    """

    name: str
    run_id: str
    generator: str
    strategy: str
    outcome: Outcome | None
    points: Mapping[str, Point]
    front: bool
    dominated_by: tuple[str, ...] = ()
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """One arm against another on one axis: the paired difference `arm - against`.

    `low` and `high` bound it with 95 % on this difference alone; `p` is the
    paired test's, `p_adjusted` after the correction for all of them.
    """

    metric: str
    arm: str
    against: str
    value: float | None
    low: float | None
    high: float | None
    pairs: int
    p: float | None
    p_adjusted: float | None
    standing: Standing
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Arms of one run or of several, asked the same and read by the same scorers.

    `reference` is the arm that tables show differences from. `recommended` is
    an arm only where the evidence carries it, and `because` says why or why not.
    """

    axes: tuple[Axis, ...]
    contenders: tuple[Contender, ...]
    contests: tuple[Contest, ...]
    reference: str
    correction: Literal["holm", "bh"]
    alpha: float
    recommended: str | None
    because: str
    notices: tuple[str, ...] = ()
