"""Every way in which gates of the field pass without evidence, tried on ours: none passes.

The cases are those that other tools' issues report: a rule that matches nothing
(conftest 141, 181), an empty or absent column (great_expectations 1149, 3494),
no data or NaN from the metric (argo-rollouts 4393, 4479), and MLflow's own
validation, where a NaN candidate, empty thresholds and a scorer that crashed
nine times in ten still went through.
"""

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import SpecError
from harness.flow.assess import rejudge
from harness.flow.run import run
from harness.records import Failure, RunView, Sample
from harness.spec.extend import load_policy
from tests.flow.plugs import fine, make_generator, make_scorer, raising

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: s}
generators: [{use: GENERATOR}]
prompts: [{items: [%s], tags: {language: en}}]
scorers: [{use: reads}]
""" % ", ".join(f"ask {i}" for i in range(100))  # noqa: UP031 - braces are YAML's here
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules: [{id: r, require: {metric: reads.bad_rate, op: "<=", value: 0.05}%s}]
"""


def gated(
    folder: Path, more: str = "", generator: str = "echo", policy: str = POLICY
) -> RunView:
    (folder / "suite.yaml").write_text(SUITE.replace("GENERATOR", generator))
    (folder / "policy.yaml").write_text(policy % more if "%s" in policy else policy)
    view, _ = run(folder / "suite.yaml", folder / "policy.yaml", out=folder / "runs" / "a")
    return view


def nine_in_ten() -> Callable[[Sample], object]:
    """Crash on nine of ten calls, and find nothing on the tenth."""
    calls = itertools.count()

    def read(sample: Sample) -> object:
        return fine(sample) if next(calls) % 10 == 0 else raising(sample)

    return read


def test_the_same_gate_passes_on_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, fine)
    assert gated(tmp_path).outcome == "pass"


READS: dict[str, Callable[[Sample], object]] = {
    "every score crashed": raising,
    "nine scores of ten crashed": nine_in_ten(),
    "every score is NaN": lambda _: {"bad": math.nan, "level": math.nan},
    "every score is None": lambda _: {"bad": None, "level": None},
    "a number that is NaN beside one that is not": lambda _: {"bad": False, "level": math.nan},
    "scores lack a column": lambda _: {"level": 0.5},
    "every output is unsupported": lambda _: Failure("cannot read it", "unsupported"),
    "the scorer answers nothing": lambda _: None,
}


@pytest.mark.parametrize("case", READS)
def test_a_scorer_without_scores_is_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    make_scorer(monkeypatch, READS[case])
    view = gated(tmp_path)
    assert view.outcome == "inconclusive"
    assert view.verdicts[0].findings[0].cause == "unscored"
    assert view.shortfalls


def test_a_generator_that_crashes_or_answers_nothing_is_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, fine)
    make_generator(monkeypatch, raising)
    assert gated(tmp_path, generator="answers").outcome == "inconclusive"


@pytest.mark.parametrize("more", [", slices: {by: language, min_n: 101}", ", n_min: 101"])
def test_a_rule_that_finds_too_little_to_judge_is_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    make_scorer(monkeypatch, fine)
    assert gated(tmp_path, more).outcome == "inconclusive"


@pytest.mark.parametrize(
    "more",
    [
        ", slices: {by: language, only: [zh]}",  # matches nothing
        ", slices: {by: country}",  # no such tag
        ", slices: {by: language, only: [en, zh]}",  # one of two is empty
        ", severity: warn}, {id: other, require: {metric: reads.nothing, op: '<=', value: 0.9}",
        ", severity: warn}, {id: named, require: {metric: read.bad_rate, op: '<=', value: 0.9}",
    ],
)
def test_a_rule_that_finds_nothing_to_judge_stops_the_run_and_never_passes_a_stored_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    make_scorer(monkeypatch, fine)
    with pytest.raises(SpecError):
        gated(tmp_path, more)
    assert not (tmp_path / "runs").exists()
    assert gated(tmp_path).outcome == "pass"
    (tmp_path / "policy.yaml").write_text(POLICY % more)
    view = rejudge(tmp_path / "runs" / "a", tmp_path / "policy.yaml")
    assert view.outcome == "inconclusive"


@pytest.mark.parametrize(
    "rules",
    [
        "rules: []",
        "{}",
        "rules: [{id: r, require: {metric: a.b, op: '<=', value: .nan}}]",
        "rules: [{id: r, require: {metric: a.b, op: '<=', value: .inf}}]",
        "rules: [{id: r, require: {metric: a.b, op: '<='}}]",
        "rules: [{id: r}]",
        "rules: [{id: r, require: {metric: a.b, op: '<=', value: 1}, severity: observe}]",
        "rules: [{id: r, require: {metric: a.b, op: '<=', value: 1}}]\n"
        "not_applicable: {r: not today}",
    ],
)
def test_a_policy_that_could_not_fail_is_refused(tmp_path: Path, rules: str) -> None:
    head = "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: p}\n"
    (tmp_path / "policy.yaml").write_text(f"{head}{rules}\n")
    with pytest.raises(SpecError):
        load_policy(tmp_path / "policy.yaml")


@pytest.mark.parametrize(
    "compare",
    [
        "against: champion, relative: true, margin: 0.05",
        "against: champion, margin: 0.05",
        "against: champion, margin: 0.05, if_absent: nobody said so",
        "against: 'anchor:0123456789ab', margin: 0.05",
    ],
)
def test_a_comparison_with_nothing_is_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compare: str
) -> None:
    make_scorer(monkeypatch, fine)
    policy = POLICY.replace("require: {metric: reads.bad_rate, op: \"<=\", value: 0.05}",
                            f"compare: {{metric: reads.bad_rate, {compare}}}")  # fmt: skip
    assert gated(tmp_path, policy=policy % "").outcome == "inconclusive"


def test_a_candidate_without_numbers_does_not_pass_a_relative_margin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, fine)
    served = tmp_path / "served"
    served.mkdir()
    gated(served)
    broken = iter(range(10_000))
    make_scorer(monkeypatch, lambda sample: raising(sample) if next(broken) >= 0 else None)
    candidate = tmp_path / "new"
    candidate.mkdir()
    gated(candidate)
    (candidate / "no_worse.yaml").write_text(
        "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: p}\nrules:\n"
        "  - {id: r, compare: {metric: reads.level, against: champion, relative: true, "
        "margin: 0.05}}\n"
    )
    view = rejudge(
        candidate / "runs" / "a", candidate / "no_worse.yaml",
        champion=served / "runs" / "a",
    )  # fmt: skip
    assert view.outcome == "inconclusive"


def test_no_exit_code_is_0_but_that_of_a_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_scorer(monkeypatch, raising)
    gated(tmp_path)
    where = [str(tmp_path / name) for name in ("suite.yaml", "policy.yaml")]
    code = main(["run", where[0], "--policy", where[1], "--out", str(tmp_path / "runs" / "a")])
    assert code == 2
    assert "INCONCLUSIVE" in capsys.readouterr().out
