"""The waivers that were handed in: what each excuses, and how long it still holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from harness.records import Excuse, RunView
from harness.reporters.wording import count


@dataclass(frozen=True, slots=True)
class Granted:
    """One waiver, and what is left of it on the day of the verdict."""

    excuse: Excuse
    left: str


def granted(run: RunView) -> tuple[Granted, ...]:
    """List every waiver: those in use first, then by what they excuse."""
    ordered = sorted(run.excuses, key=lambda e: (not e.used, e.rule, e.slice, e.id))
    return tuple(Granted(excuse, _left(excuse.expires, run.judged_on)) for excuse in ordered)


def used(excuse: Excuse) -> str:
    """Say how often it was used, or why not, which is a warning."""
    if excuse.used:
        return f"used {count(excuse.used, 'time')}"
    return f"not used: {excuse.idle}" if excuse.idle else "not used"


def _left(expires: str, today: str | None) -> str:
    try:
        days = (date.fromisoformat(expires) - date.fromisoformat(today or "")).days
    except ValueError:
        return ""
    return f"{count(days, 'day')} left" if days else "last day"
