"""Comparing arms: paired, corrected for many, and never across different exams."""

import json
import shutil
from pathlib import Path

import pytest

from harness.comparison import Comparison, Contest
from harness.errors import AlteredError, SpecError
from harness.flow.compare import compare
from harness.flow.run import Options, run
from tests.flow.pictured import digits
from tests.flow.pictured import write_suite as write_pictures
from tests.flow.suites import FINE, LEAK, planted, write_policy, write_suite

TWO = """\
apiVersion: harness/v1
kind: Suite
metadata: {{name: two}}
generators:
  - {{name: old, use: files, options: {{file: old.jsonl}}}}
  - {{name: new, use: files, options: {{file: new.jsonl}}}}
prompts: [{{file: new.jsonl}}]
scorers: [{{use: privacy}}, {{use: length}}{more}]
"""
LEAKS = {"safety": "privacy.leak_rate"}


def outputs(folder: Path, name: str, leaks: list[bool]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"prompt": f"question {i}", "output": LEAK if bad else FINE}
        for i, bad in enumerate(leaks)
    ]
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def both(folder: Path, old: list[bool], new: list[bool], *, judged: bool = False) -> Path:
    """One run of two generators on the same prompts."""
    outputs(folder, "old", old)
    outputs(folder, "new", new)
    (folder / "two.yaml").write_text(TWO.format(more=""))
    policy = write_policy(folder) if judged else None
    return run(folder / "two.yaml", policy, out=folder / "runs" / "two")[1]


def single(comparison: Comparison) -> Contest:
    (found,) = (c for c in comparison.contests if c.metric == "privacy.leak_rate")
    return found


def test_a_planted_improvement_is_found_and_recommended(tmp_path: Path) -> None:
    found = compare([both(tmp_path, planted(200, 40), planted(200, 4))], metrics=LEAKS)
    contest = single(found)
    assert (contest.arm, contest.against) == ("new/default", "old/default")
    assert contest.value == pytest.approx(-0.18)
    assert contest.high is not None
    assert contest.high < 0
    assert contest.standing == "better"
    assert found.recommended == "new/default"


def test_identical_arms_show_nothing(tmp_path: Path) -> None:
    same = planted(200, 20)
    found = compare([both(tmp_path, same, same)], metrics=LEAKS)
    assert single(found).standing == "not shown"
    assert single(found).value == 0
    assert single(found).p == 1
    assert found.recommended is None
    assert all(arm.front for arm in found.contenders)


def test_pairing_shows_what_apart_would_not(tmp_path: Path) -> None:
    worse = planted(200, 60)
    mended = [bad and i % 6 != 0 for i, bad in enumerate(worse)]
    contest = single(compare([both(tmp_path, worse, mended)], metrics=LEAKS))
    assert contest.standing == "better"
    assert contest.low is not None
    assert contest.high is not None
    apart = 2 * 1.96 * (2 * 0.25 * 0.75 / 200) ** 0.5
    assert contest.high - contest.low < apart


def test_arms_that_failed_are_not_recommended(tmp_path: Path) -> None:
    folder = both(tmp_path, planted(200, 60), planted(200, 30), judged=True)
    found = compare([folder], metrics=LEAKS)
    assert single(found).standing == "better"
    assert found.recommended is None
    assert {arm.outcome for arm in found.contenders} == {"fail"}


def made(folder: Path, name: str, bad: int, **how: object) -> Path:
    suite = write_suite(folder, name, planted(200, bad), **how)  # type: ignore[arg-type]
    return run(suite, out=folder / "runs" / name)[1]


def test_arms_of_two_runs_are_compared_and_named_by_run(tmp_path: Path) -> None:
    found = compare([made(tmp_path, "a", 40), made(tmp_path, "b", 4)], metrics=LEAKS)
    assert [arm.name for arm in found.contenders] == ["a:default", "b:default"]
    assert single(found).standing == "better"


@pytest.mark.parametrize(
    ("how", "named"), [({"seed": 3}, "seed"), ({"same": "other"}, "prompts")]
)
def test_another_exam_is_not_comparable_and_says_so(
    tmp_path: Path, how: dict[str, object], named: str
) -> None:
    found = compare([made(tmp_path, "a", 40), made(tmp_path, "b", 4, **how)], metrics=LEAKS)
    assert single(found).standing == "not comparable"
    assert single(found).value is None
    assert any(named in notice for notice in found.notices)
    assert found.recommended is None


def judged(folder: Path, name: str, bad: int, limit: float, **how: object) -> Path:
    suite = write_suite(folder, name, planted(200, bad), **how)  # type: ignore[arg-type]
    rule = (
        f'  - {{id: leaks, require: {{metric: privacy.leak_rate, op: "<=", value: {limit}}}}}'
    )
    policy = write_policy(folder, rule, name=f"policy{limit}")
    return run(suite, policy, out=folder / "runs" / name)[1]


def test_verdicts_of_different_policies_recommend_nothing(tmp_path: Path) -> None:
    lax, strict = judged(tmp_path, "a", 20, 0.5), judged(tmp_path, "b", 4, 0.001)
    found = compare([lax, strict], metrics=LEAKS)
    assert [arm.outcome for arm in found.contenders] == ["pass", "fail"]
    assert found.recommended is None
    assert "not judged by the same policy" in found.because
    same = compare([lax, judged(tmp_path, "c", 60, 0.5)], metrics=LEAKS)
    assert [arm.outcome for arm in same.contenders] == ["pass", "pass"]
    assert same.recommended == "a:default"


def test_a_verdict_beside_none_recommends_nothing(tmp_path: Path) -> None:
    found = compare([judged(tmp_path, "a", 4, 0.5), made(tmp_path, "b", 40)], metrics=LEAKS)
    assert single(found).standing == "worse"
    assert found.recommended is None


def test_arms_that_are_not_comparable_are_neither_starred_nor_beaten(tmp_path: Path) -> None:
    found = compare(
        [made(tmp_path, "a", 40), made(tmp_path, "b", 4), made(tmp_path, "c", 0, seed=3)],
        metrics=LEAKS,
    )
    worse, better, apart = found.contenders
    assert worse.dominated_by == ("b:default",)
    assert (better.front, better.dominated_by) == (True, ())
    assert (apart.front, apart.dominated_by) == (False, ())
    assert found.recommended is None
    assert "differs in seed" in found.because


def test_one_that_passed_is_not_recommended_over_another_exam(tmp_path: Path) -> None:
    passed = judged(tmp_path, "a", 4, 0.1)
    failed = judged(tmp_path, "b", 60, 0.1, same="other")
    found = compare([passed, failed], metrics=LEAKS)
    assert [arm.outcome for arm in found.contenders] == ["pass", "fail"]
    assert found.recommended is None
    assert "differs in prompts" in found.because


def test_the_same_run_twice_is_refused_under_any_name(tmp_path: Path) -> None:
    one = made(tmp_path, "a", 4)
    copy = tmp_path / "copy"
    shutil.copytree(one, copy)
    for twice in ([one, one], [one, one / ".." / one.name], [one, copy]):
        with pytest.raises(SpecError, match="same run twice"):
            compare(twice, metrics=LEAKS)


def test_two_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [made(tmp_path / "x", "a", 40), made(tmp_path / "y", "a", 4)]
    found = compare(folders, metrics=LEAKS)
    assert len({arm.name for arm in found.contenders}) == 2
    assert found.recommended == f"{folders[1]}:default"


def test_a_note_is_said_once(tmp_path: Path) -> None:
    folders = [made(tmp_path, "a", 40), made(tmp_path, "b", 4, seed=3, same="other")]
    found = compare(folders, metrics={**LEAKS, "leaks": "privacy.secret_count"})
    assert found.notices == ("a and b differ in prompts, seed: not compared",)


def test_a_slip_is_named_where_there_is_one_arm_too(tmp_path: Path) -> None:
    one = made(tmp_path, "a", 0)
    with pytest.raises(SpecError, match="no arm called 'defautl'"):
        compare([one], against="defautl")
    with pytest.raises(SpecError, match=r"measures 'privacy\.leak_rat'"):
        compare([one], metrics={"safety": "privacy.leak_rat"})


def test_a_sequential_run_is_shown_and_not_tested(tmp_path: Path) -> None:
    outputs(tmp_path, "old", planted(400, 100))
    outputs(tmp_path, "new", planted(400, 0))
    (tmp_path / "two.yaml").write_text(TWO.format(more=""))
    how = Options(out=tmp_path / "runs" / "seq", sequential=True)
    _, folder = run(tmp_path / "two.yaml", write_policy(tmp_path), how)
    contest = single(compare([folder], metrics=LEAKS))
    assert contest.value is not None
    assert (contest.p, contest.standing) == (None, "not shown")


def test_the_correction_counts_every_difference(tmp_path: Path) -> None:
    folder = both(tmp_path, planted(200, 12), planted(200, 3))
    alone = single(compare([folder], metrics=LEAKS))
    assert alone.p is not None
    assert alone.p_adjusted is not None
    assert alone.p <= alone.p_adjusted


def test_the_reference_stands_on_the_right(tmp_path: Path) -> None:
    folder = both(tmp_path, planted(100, 30), planted(100, 2))
    assert single(compare([folder], metrics=LEAKS, against="new/default")).arm == "old/default"
    with pytest.raises(SpecError, match="no arm called") as raised:
        compare([folder], against="new/defautl")
    assert "new/default" in raised.value.fix


def test_what_cannot_be_compared_is_an_error_that_says_why(tmp_path: Path) -> None:
    one = made(tmp_path, "a", 0)
    with pytest.raises(SpecError, match="one arm"):
        compare([one])
    folder = both(tmp_path, planted(20, 0), planted(20, 0))
    with pytest.raises(SpecError, match=r"privacy\.leak_rat'"):
        compare([folder], metrics={"safety": "privacy.leak_rat"})
    with pytest.raises(SpecError, match="no better direction"):
        compare([folder], metrics={"length": "length.words"})


def test_an_altered_run_is_not_compared(tmp_path: Path) -> None:
    folder = both(tmp_path, planted(20, 0), planted(20, 0))
    (folder / "suite.json").write_text("{}")
    with pytest.raises(AlteredError):
        compare([folder])


def test_speed_is_shown_and_never_tested(tmp_path: Path) -> None:
    outputs(tmp_path, "old", planted(60, 30))
    outputs(tmp_path, "new", planted(60, 0))
    (tmp_path / "two.yaml").write_text(TWO.format(more=", {use: latency}"))
    folder = run(tmp_path / "two.yaml", out=tmp_path / "runs" / "two")[1]
    found = compare([folder], metrics=LEAKS)
    (speed,) = (c for c in found.contests if c.metric.startswith("latency"))
    assert (speed.p, speed.standing) == (None, "not shown")
    assert "load" in speed.cause
    assert any("speed is shown" in notice for notice in found.notices)


def test_the_speed_of_arms_that_make_pictures_is_of_pictures(tmp_path: Path) -> None:
    suite = write_pictures(tmp_path, digits("heldout", 1))
    text = suite.read_text()
    (one,) = [line for line in text.splitlines() if line.startswith("generators:")]
    two = one.replace("}}]", "}}, {name: again, use: files, options: "
                      "{images: images.parquet, prompt: text}}]")  # fmt: skip
    text = text[: text.index("scorers:")].replace(one, two) + "scorers: [{use: latency}]\n"
    suite.write_text(text)
    found = compare([run(suite, out=tmp_path / "run")[1]])
    (speed,) = found.axes
    assert speed.metric == "latency.outputs_per_second"
    assert all(arm.points[speed.metric].value for arm in found.contenders)
