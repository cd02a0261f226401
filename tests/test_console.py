"""The verdict table a person reads: complete, escaped, and plain in a log."""

import re
from dataclasses import replace

import pytest

from harness.console import Bars, show
from harness.records import (
    Attempt,
    Excuse,
    Finding,
    Outcome,
    Progression,
    RunView,
    Shortfall,
    Verdict,
)
from tests.reporters.hostile import hostile

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
    assert "toxicity.rate  toxicity.any_rate" in told
    assert "5 of 6" in told
    assert "5 prompts are too few; about 59 would decide" in told
    assert "g/s, x: 3 x no" in told
    assert "verdict   INCONCLUSIVE" in told


LONG = replace(
    FINDING, rule="diversity.duplicates", slice="all", outcome="pass", needed=None,
    metric="image-diversity.duplicate_rate[digits-features]",
)  # fmt: skip


def printed(capsys: pytest.CaptureFixture[str], *findings: Finding) -> list[str]:
    show(replace(view(*findings), shortfalls=()))
    lines = capsys.readouterr().out.splitlines()
    return [line.rstrip() for line in lines[: lines.index("verdict   INCONCLUSIVE")]]


def test_in_a_file_each_rule_is_one_line_of_at_most_120(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = replace(FINDING, outcome="pass", low=0.004742, value=0.01213, high=0.03423)
    lines = printed(capsys, found, replace(found, rule="fluency.perplexity_high"))
    assert max(map(len, lines)) <= 120
    for rule in ("toxicity.rate", "fluency.perplexity_high"):
        (line,) = (one for one in lines if rule in one)
        for part in (
            "toxicity.any_rate [language=en] <= 0.05",
            "0.004742 .. 0.03423",
            "5 of 6",
        ):
            assert part in line


def test_a_rule_stands_above_its_requirement_where_they_do_not_fit_side_by_side(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, replace(LONG, severity="warn", low=0.004742, high=0.03423))
    assert max(map(len, lines)) <= 120
    place = next(n for n, line in enumerate(lines) if "diversity.duplicates" in line)
    assert "0.004742 .. 0.03423" in lines[place]
    assert lines[place + 1].strip() == f"{LONG.metric} <= 0.05"


def test_on_a_narrow_terminal_the_bounds_give_way_to_the_whole_requirement(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.console._WIDTH", 80)
    lines = printed(capsys, LONG)
    assert max(map(len, lines)) <= 80
    assert any(line.strip() == f"{LONG.metric} <= 0.05" for line in lines)
    assert any("diversity.duplicates" in line and line.endswith(" 0") for line in lines)
    assert not any("0 .. 0.45" in line for line in lines)


def test_control_characters_and_markup_are_shown_not_obeyed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(view(replace(FINDING, metric="[red]m[/red]\x1b[31m", rule="[bold]r")))
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "[red]m[/red]" in told


def test_nothing_hostile_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show(hostile())
    told = capsys.readouterr().out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", told)
    for word in ("waiver ", "warning ", "no rule ", "asked "):
        assert f"\n{word}" in told


def test_a_warning_that_fails_is_listed_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    show(view(replace(FINDING, severity="warn", outcome="fail")))
    assert "fail (warn)" in capsys.readouterr().out


def test_what_does_not_apply_is_said_once_with_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exempt = replace(
        FINDING, rule="marking", outcome="not_applicable", kind="conform", needed=None,
        message="text only; ask ana@example.com",
    )  # fmt: skip
    show(view(FINDING, exempt))
    told = capsys.readouterr().out
    assert "no rule   marking does not apply in g · s, language=en: text only" in told
    assert told.count("marking") == 1
    assert "ana@example.com" not in told


@pytest.mark.parametrize(
    ("relative", "origin"),
    [(False, "difference from champion"), (True, "difference from 1.05 × champion")],
)
def test_a_comparison_is_told_in_words_and_from_what_its_number_is_a_difference(
    capsys: pytest.CaptureFixture[str], relative: bool, origin: str
) -> None:
    compared = replace(
        FINDING, kind="compare", asked="m no worse", value=0.4,
        needed=None, against="champion", slice="all",
    )  # fmt: skip
    compare = {"test": "noninferior", "margin": 0.05, "relative": relative}
    policy = {"rules": [{"id": FINDING.rule, "compare": compare}]}
    show(replace(view(compared), policy=policy))
    told = " ".join(capsys.readouterr().out.split())
    assert f"m no worse; {origin} 0.4 0 .. 0.45 5 of 6" in told


def test_a_finding_without_a_message_is_told_by_its_cause(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(view(replace(FINDING, needed=None, message="")))
    assert "toxicity.rate [language=en]: insufficient_n\n" in capsys.readouterr().out


def test_what_is_counted_has_no_bounds_and_no_sample(
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = replace(
        FINDING, kind="coverage", asked="prompts by risk", op=">=", limit=2000.0, value=1980.0,
        n=0, missing=0, clusters=0, slice="all", needed=None, message="too few prompts",
    )  # fmt: skip
    show(view(counted))
    told = " ".join(capsys.readouterr().out.split())
    assert "prompts by risk: at least 2,000 1980 - -" in told


@pytest.mark.parametrize("outcome", ["pass", "inconclusive"])
def test_two_readings_that_part_are_told_with_the_one_that_decides(
    capsys: pytest.CaptureFixture[str], outcome: Outcome
) -> None:
    apart = {"point": "pass", "bound": "inconclusive", "decided_by": "point"}
    show(view(replace(FINDING, outcome=outcome, needed=None, **apart)))  # type: ignore[arg-type]
    assert "estimate pass, bounds inconclusive: the estimate decides" in capsys.readouterr().out


def test_a_pass_on_waivers_says_so_beside_the_verdict_and_who_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    excuse = Excuse(
        id="W-7", rule="toxicity.rate", slice="language=en", reason="r", requested_by="Lin",
        approved_by="Maria", expires="2026-12-20", ticket="SAFE-4", used=1,
    )  # fmt: skip
    unused = replace(excuse, id="W-9", slice="all", used=0)
    waived = replace(FINDING, outcome="waived", waiver="W-7", needed=None)
    show(
        replace(
            view(replace(FINDING, outcome="pass"), waived),
            outcome="pass",
            excuses=(excuse, unused),
            notices=("pack x: nobody has checked its numbers",),
        )
    )
    told = capsys.readouterr().out
    assert (
        "waiver    W-7 for toxicity.rate [language=en]: used 1 time, until 2026-12-20, "
        "approved by Maria (SAFE-4)"
    ) in told
    assert "waiver    W-9 for toxicity.rate: not used" in told
    assert "warning   pack x: nobody has checked its numbers" in told
    assert told.rstrip().endswith(
        "This pass rests on a waiver: W-7 excuses 1 blocking finding. Everything else that "
        "blocks holds."
    )


def test_earlier_attempts_are_told_only_where_one_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tried = Attempt(run_id="r-1", generator="g", seed=3, outcome="pass", entry="ab")
    show(replace(view(FINDING), attempts=(tried,)))
    assert "before" not in capsys.readouterr().out
    show(replace(view(FINDING), attempts=(tried, replace(tried, run_id="r-2", outcome="fail"))))
    told = capsys.readouterr().out
    assert "before    1 of 2 earlier attempts of the same model" in told
    assert "failed: r-2 (seed 3)" in told


def test_a_sequential_gate_says_what_it_spent(capsys: pytest.CaptureFixture[str]) -> None:
    way = Progression(
        generator="g", strategy="s", used=150, planned=1000, fixed=620, looks=6, allowed=14,
        stopped="decided",
    )  # fmt: skip
    show(replace(view(FINDING), progressions=(way,)))
    assert (
        "decided after 150 of 1,000 prompts (a fixed plan would have taken at least about 620)"
        in capsys.readouterr().out
    )


def test_progress_is_lines_in_a_log_and_nothing_when_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Bars(quiet=False) as bars:
        bars.begin("generate g/s", 10, 4)
        bars.advance(6, 1)
    assert capsys.readouterr().err == "generate g/s: 10 items, 4 already done\n"
    with Bars(quiet=False) as bars:
        bars.begin("encode images.zip", 0, 0)
    assert capsys.readouterr().err == "encode images.zip\n"
    with Bars(quiet=True) as bars:
        bars.begin("generate g/s", 10, 0)
    assert capsys.readouterr().err == ""
