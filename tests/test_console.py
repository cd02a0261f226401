"""The verdict table a person reads: complete, escaped, and plain in a log."""

from dataclasses import replace

import pytest

from harness.console import Bars, show
from harness.records import Finding, RunView, Shortfall, Verdict

FINDING = Finding(
    rule="toxicity.rate", metric="toxicity.any_rate", slice="language=en",
    outcome="inconclusive", cause="insufficient_n", severity="block", op="<=", limit=0.05,
    value=0.0, low=0.0, high=0.45, n=5, missing=1, clusters=5, needed=59,
    message="95% bounds 0 to 0.45", why="because",
)  # fmt: skip
SHORTFALL = Shortfall(generator="g", strategy="s", stage="x", reason="no \x1b[2J", count=3)


def view(*findings: Finding) -> RunView:
    verdict = Verdict(generator="g", strategy="s", outcome="inconclusive", findings=findings)
    return RunView(
        run_id="r", outcome="inconclusive", suite={}, policy={}, digests={}, environment={},
        caveats={}, metrics=(), verdicts=(verdict,), examples=(),
        shortfalls=(SHORTFALL,),
    )  # fmt: skip


def test_what_is_needed_and_what_is_missing_are_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(view(FINDING))
    told = capsys.readouterr().out
    assert "toxicity.any_rate [language=en] <= 0.05" in told
    assert "5 + 1 missing" in told
    assert "5 prompts are too few; about 59 would decide" in told
    assert "g/s, x: 3 x no" in told
    assert "verdict   INCONCLUSIVE" in told


def test_control_characters_and_markup_are_shown_not_obeyed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(view(replace(FINDING, metric="[red]m[/red]\x1b[31m", rule="[bold]r")))
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "[red]m[/red]" in told


def test_a_warning_that_fails_is_listed_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    show(view(replace(FINDING, severity="warn", outcome="fail")))
    assert "fail (warn)" in capsys.readouterr().out


def test_progress_is_lines_in_a_log_and_nothing_when_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Bars(quiet=False) as bars:
        bars.begin("generate g/s", 10, 4)
        bars.advance(6, 1)
    assert capsys.readouterr().err == "generate g/s: 10 items, 4 already done\n"
    with Bars(quiet=True) as bars:
        bars.begin("generate g/s", 10, 0)
    assert capsys.readouterr().err == ""
