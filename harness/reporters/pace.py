"""How far a sequential gate went with each arm, in words and as a bar."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records import Progression, RunView
from harness.reporters.findings import arm_names
from harness.reporters.wording import count

WIDTH = 200.0


@dataclass(frozen=True, slots=True)
class Pace:
    """One arm's way. The bar runs to `WIDTH`: asked, planned, and the fixed plan's need."""

    arm: str
    progression: Progression
    words: str
    used: float
    planned: float
    fixed: float | None


def paces(run: RunView) -> tuple[Pace, ...]:
    """Lay out every arm's way on one scale, in the order of the run."""
    every = run.progressions
    names = arm_names((p.generator, p.strategy) for p in every)
    longest = max((n for p in every for n in (p.used, p.planned, p.fixed or 0)), default=0)
    unit = WIDTH / max(1, longest)
    return tuple(
        Pace(
            arm=names[p.generator, p.strategy],
            progression=p,
            words=words(p),
            used=round(p.used * unit, 2),
            planned=round(p.planned * unit, 2),
            fixed=None if p.fixed is None else round(p.fixed * unit, 2),
        )
        for p in every
    )


def words(way: Progression) -> str:
    """Say it in a line: `decided after 150 of 1,000 prompts (a fixed plan would ...)`."""
    early = "not decided: the budget ended it" if way.used < way.planned else "not decided"
    ended = "decided" if way.stopped == "decided" else early
    fixed = (
        "" if way.fixed is None
        else f" (a fixed plan would have taken at least about {way.fixed:,})"
    )  # fmt: skip
    return f"{ended} after {way.used:,} of {count(way.planned, 'prompt')}{fixed}"
