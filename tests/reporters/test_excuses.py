"""Every waiver is listed with what is left of it, and one that is not used says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.records import RunView
from harness.reporters.excuses import granted, used

Make = Callable[..., RunView]


def test_waivers_in_use_come_first(make_complete: Make) -> None:
    run = make_complete()
    backwards = replace(run, excuses=run.excuses[::-1])

    assert [one.excuse.id for one in granted(backwards)] == ["W-7", "W-9"]
    assert [used(one.excuse) for one in granted(run)] == ["used 2 times", "not used"]


@pytest.mark.parametrize(
    ("day", "left"),
    [
        ("2026-11-25", "25 days left"),
        ("2026-12-19", "1 day left"),
        ("2026-12-20", "last day"),
        (None, ""),
        ("soon", ""),
    ],
)
def test_what_is_left_is_counted_from_the_day_of_the_verdict(
    make_complete: Make, day: str | None, left: str
) -> None:
    assert granted(make_complete(judged_on=day))[0].left == left
