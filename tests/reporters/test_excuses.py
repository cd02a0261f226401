"""Every waiver is listed with what is left of it, and one that is not used says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.records import RunView
from harness.reporters.excuses import granted, used
from harness.reporters.html import Html

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


def test_one_that_is_not_used_says_why(make_complete: Make) -> None:
    idle = replace(make_complete().excuses[1], idle="it is for another model")
    assert used(idle) == "not used: it is for another model"
    page = Html().render(make_complete(excuses=(idle,))).decode()
    assert '<span class="sub">it is for another model</span>' in page
