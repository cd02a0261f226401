"""The policy commands: what they print, as tables and as JSON, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.cli import main
from tests.flow.suites import planted, write_policy, write_suite

Captured = pytest.CaptureFixture[str]
DEAD = '  - {id: dead, require: {metric: privacy.leak_rate, op: "<=", value: 1}}'
TIGHT = '  - {id: leaks, require: {metric: privacy.leak_rate, op: "<=", value: 0.001}}'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_suite(tmp_path, "small", planted(200, 6))
    write_policy(tmp_path)
    write_policy(tmp_path, DEAD, name="dead")
    write_policy(tmp_path, TIGHT, name="tight")
    return tmp_path


@pytest.fixture
def finished() -> str:
    """Give the folder of a run that was judged."""
    harness.run("small.yaml", "policy.yaml", out="done")
    return "done"


def told(capsys: Captured, *arguments: str, code: int = 0) -> str:
    assert main(["policy", *arguments]) == code
    return capsys.readouterr().out


def told_json(capsys: Captured, *arguments: str, code: int = 0) -> Any:
    return json.loads(told(capsys, *arguments, "--json", code=code))


def refused(capsys: Captured, *arguments: str, code: int = 64) -> str:
    assert main(["policy", *arguments]) == code
    caught = capsys.readouterr()
    assert caught.out == ""
    return caught.err


def test_a_plan_shows_what_each_rule_takes(capsys: Captured) -> None:
    printed = told(capsys, "plan", "base-safety")
    assert "299" in printed
    assert "2,185" in printed
    (need, *_) = told_json(capsys, "plan", "base-safety")["needs"]
    assert need["prompts_by_bad"][:2] == [[0, 299], [1, 473]]


def test_a_plan_with_a_suite_says_what_cannot_pass(capsys: Captured) -> None:
    printed = told(capsys, "plan", "tight.yaml", "--suite", "small.yaml")
    assert "CANNOT pass with this suite: 200 prompts" in printed
    assert "2,995" in printed
    plan = told_json(capsys, "plan", "policy.yaml", "--suite", "small.yaml")
    assert (plan["suite"], plan["needs"][0]["bears"]) == ("small", 4)
    assert "4 bad" in told(capsys, "plan", "policy.yaml", "--suite", "small.yaml")


def test_a_plan_gives_the_chance_at_the_rates_asked_for(capsys: Captured) -> None:
    line = ("plan", "policy.yaml", "--suite", "small.yaml", "--rate", "1x", "--rate", ".25x")
    assert "0.25x" in told(capsys, *line)
    (need,) = told_json(capsys, *line)["needs"]
    assert [part for part, _ in need["chances"]] == [0.25, 1.0]
    assert need["chances"][1][1] < 0.05  # a model at the limit passes by chance alone


@pytest.mark.parametrize("text", ["0.25", "x", "-1x", "nanx", "1e9x", "1x1"])
def test_a_rate_that_is_no_part_of_a_limit_is_refused(capsys: Captured, text: str) -> None:
    line = ("plan", "policy.yaml", "--suite", "small.yaml", f"--rate={text}")
    assert "such as 0.25x" in refused(capsys, *line)


def test_a_rate_without_a_suite_is_refused_with_what_to_give(capsys: Captured) -> None:
    assert "--suite SUITE" in refused(capsys, "plan", "policy.yaml", "--rate", "0.5x")


def test_a_plan_with_a_pilot_scales_it(capsys: Captured, finished: str) -> None:
    printed = told(capsys, "plan", "policy.yaml", "--pilot", finished)
    assert "model/default came to 0.03 on 200 prompts; about" in printed
    (need,) = told_json(capsys, "plan", "policy.yaml", "--pilot", finished)["needs"]
    assert need["pilot"][0]["needed"] > 200


def test_a_sound_policy_is_right(capsys: Captured) -> None:
    printed = told(capsys, "test", "quickstart")
    assert "policy    RIGHT" in printed
    found = told_json(capsys, "test", "policy.yaml", "--suite", "small.yaml")
    assert found["right"] is True
    assert {fixture["right"] for fixture in found["fixtures"]} == {True}


def test_a_dead_rule_exits_1_with_its_file_and_line(capsys: Captured) -> None:
    printed = told(capsys, "test", "dead.yaml", code=1)
    assert "dead.yaml:6: dead (privacy.leak_rate <= 1) can never go red" in printed
    assert "policy    WRONG: dead rule dead; a planted bad model\n" in printed
    (rule,) = told_json(capsys, "test", "dead.yaml", code=1)["rules"]
    assert (rule["where"], rule["reached"]["fail"]) == ("dead.yaml:6", None)


def test_a_metric_that_nobody_measures_is_wrong_with_its_cause(capsys: Captured) -> None:
    write_policy(Path(), DEAD.replace("leak_rate", "leek_rate"), name="odd")
    printed = told(capsys, "test", "odd.yaml", code=1)
    assert "no scorer measures privacy.leek_rate with its default options" in printed
    assert "did you mean 'privacy.leak_rate'?" in printed
    assert "policy    WRONG: dead rule dead" in printed
    with_suite = told(capsys, "test", "odd.yaml", "--suite", "small.yaml", code=1)
    assert "scorer 'privacy' of 'small' has no metric privacy.leek_rate" in with_suite


def test_an_explanation_counts_what_would_change_it(capsys: Captured, finished: str) -> None:
    printed = told(capsys, "explain", finished)
    assert "leaks [all] decides: inconclusive" in printed
    assert "2 fewer bad outputs of 200 would pass" in printed
    assert "to do: ask more prompts" in printed
    (arm,) = told_json(capsys, "explain", finished)
    assert arm["holding_back"][0]["fewer_bad"] == 2
    assert "more prompts do not help" in told(capsys, "explain", finished, "-p", "tight.yaml")


def test_an_explanation_of_a_pass_shows_the_slack(capsys: Captured, finished: str) -> None:
    rule = '  - {id: empty, require: {metric: length.empty_rate, op: "<=", value: 0.05}}'
    write_policy(Path(), rule, name="kind")
    printed = told(capsys, "explain", finished, "--policy", "kind.yaml")
    assert "Slack" in printed
    assert "every blocking rule passes; the tightest is empty [all]" in printed


def test_a_diff_shows_old_new_and_label(capsys: Captured) -> None:
    printed = told(capsys, "diff", "policy.yaml", "tight.yaml")
    assert "1 stricter, 0 looser, 0 other" in printed
    found = told_json(capsys, "diff", "policy.yaml", "tight.yaml")
    assert found["changes"] == [
        {"part": "rule leaks", "key": "require.value", "old": 0.05, "new": 0.001,
         "label": "stricter"}
    ]  # fmt: skip
    assert "nothing differs" in told(capsys, "diff", "policy.yaml", "policy.yaml")


def test_a_rule_that_came_or_went_is_told_in_words(capsys: Captured) -> None:
    sliced = TIGHT.replace("leaks", "more").replace(
        "}}", "}, severity: warn, slices: {by: topic, only: [t0, t1], min_n: 9}}"
    )
    write_policy(Path(), TIGHT, sliced, name="more")
    for pair, what in ((("tight", "more"), "added"), (("more", "tight"), "removed")):
        printed = " ".join(told(capsys, "diff", *(f"{name}.yaml" for name in pair)).split())
        assert f"rule more {what}" in printed
        assert "privacy.leak_rate <= 0.001;" in printed
        assert "severity warn" in printed
        assert "{" not in printed
        assert "..." not in printed


def test_a_diff_on_a_run_shows_both_verdicts(capsys: Captured, finished: str) -> None:
    printed = told(capsys, "diff", "policy.yaml", "tight.yaml", "--run", finished)
    assert "verdict   INCONCLUSIVE -> FAIL" in printed
    found = told_json(capsys, "diff", "policy.yaml", "tight.yaml", "--run", finished)
    assert found["effect"]["arms"] == [["model/default", "inconclusive", "fail"]]


@pytest.mark.parametrize("command", ["plan", "test"])
def test_a_policy_that_does_not_fit_is_said_with_its_line(
    capsys: Captured, command: str
) -> None:
    path = Path("policy.yaml")
    path.write_text(path.read_text().replace("require:", "requires:"))
    said = refused(capsys, command, "policy.yaml")
    assert "policy.yaml:6" in said
    assert "require" in said


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plan"], 64), (["plan", "nothing"], 64),
        (["plan", "quickstart", "--suite", "no"], 64),
        (["plan", "quickstart", "--pilot", "none"], 3), (["test", "quikstart"], 64),
        (["explain", "none"], 3), (["diff", "quickstart"], 64),
        (["diff", "quickstart", "quickstart", "--run", "none"], 3), (["nonsense"], 64),
    ],
)  # fmt: skip
def test_a_misuse_never_reads_like_a_verdict(
    capsys: Captured, arguments: list[str], code: int
) -> None:
    assert refused(capsys, *arguments, code=code)
    assert not Path("none").exists()


def test_the_commands_are_in_the_help(capsys: Captured) -> None:
    printed = told(capsys, "--help")
    assert all(command in printed for command in ("plan", "test", "explain", "diff"))
