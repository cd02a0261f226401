"""What is missing is counted by its cause."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.engine.store import Store
from harness.flow.aggregate import ArmKey
from harness.flow.shortfalls import shortfalls
from harness.records import Case, Failure, Generated, Sample
from tests.flow.plugs import (
    fine,
    generate_all,
    make_generator,
    make_scorer,
    plan_of,
    raising,
    score_all,
)

PROMPTS = [f"prompt number {n:02}" for n in range(30)]
USES: dict[str, Any] = {"generators": [{"use": "answers"}], "scorers": [{"use": "reads"}]}


def told(folder: Path, **changes: Any) -> dict[tuple[str, str], int]:
    planned = plan_of(PROMPTS, **{**USES, **changes})
    with Store(folder) as store:
        store.write_cases(case for arm in planned.arms for case in planned.cases(arm))
        generate_all(planned, store)
        score_all(planned, store)
    arms = [
        ArmKey(a.generator.name, a.strategy.name, a.generator.fingerprint) for a in planned.arms
    ]
    found = shortfalls(Store(folder), arms, planned.scorers)
    return {(s.stage, s.reason): s.count for s in found}


def echoed(cases: Sequence[Case]) -> list[Generated | Failure]:
    return [Generated(media=case.prompt.text) for case in cases]


def test_nothing_missing_is_nothing_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, echoed)
    make_scorer(monkeypatch, fine)
    assert told(tmp_path) == {}


def test_reasons_that_differ_in_a_number_or_a_quoted_text_are_one_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cases: Sequence[Case]) -> list[Failure]:
        return [Failure(f"{c.prompt.text!r} took {c.prompt.text[-2:]}.5 s") for c in cases]

    make_generator(monkeypatch, answer)
    make_scorer(monkeypatch, fine)
    assert told(tmp_path) == {("generate", "error: 'prompt number 00' took 00.5 s"): 30}


def test_an_output_that_failed_is_not_told_again_by_each_scorer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cases: Sequence[Case]) -> list[Generated | Failure]:
        return [
            Failure("down") if c.prompt.text == PROMPTS[0] else Generated(media="a")
            for c in cases
        ]

    make_generator(monkeypatch, answer)
    make_scorer(monkeypatch, raising)
    assert told(tmp_path) == {
        ("generate", "error: down"): 1,
        ("reads", "error: RuntimeError: broken for good"): 29,
    }


def test_a_medium_that_no_scorer_reads_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, fine)
    found = told(tmp_path, generators=[{"use": "pixel"}])
    assert found == {("reads", "error: never read: not its kind of media"): 30}


def test_what_was_not_scored_yet_is_not_called_of_another_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, echoed)
    make_scorer(monkeypatch, fine)
    planned = plan_of(PROMPTS, **USES)
    with Store(tmp_path) as store:
        store.write_cases(case for arm in planned.arms for case in planned.cases(arm))
        generate_all(planned, store)
    (arm,) = planned.arms
    key = ArmKey(arm.generator.name, arm.strategy.name, arm.generator.fingerprint)
    (found,) = shortfalls(Store(tmp_path), [key], planned.scorers)
    assert (found.reason, found.count) == ("error: not scored yet", 30)


def test_what_succeeded_later_or_under_another_generator_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, lambda cases: [Failure("down")] * len(cases))
    make_scorer(monkeypatch, fine)
    assert told(tmp_path) == {("generate", "error: down"): 30}
    make_generator(monkeypatch, echoed)
    again = [{"use": "answers", "options": {"note": "new"}}]
    assert told(tmp_path, generators=again) == {}
    assert told(tmp_path) == {}


def test_many_causes_are_cut_and_still_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(
        monkeypatch, lambda cases: [Failure("x" * (1 + int(c.prompt.text[-2:]))) for c in cases]
    )
    make_scorer(monkeypatch, fine)
    found = told(tmp_path)
    assert len(found) == 21
    assert sum(found.values()) == 30
    assert found["generate", "other causes"] == 10


def test_personal_data_in_a_reason_is_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(sample: Sample) -> Failure:
        return Failure("cannot read ann@corp.org")

    make_generator(monkeypatch, echoed)
    make_scorer(monkeypatch, read)
    assert told(tmp_path) == {("reads", "error: cannot read [EMAIL]"): 30}


def test_how_often_was_asked_does_not_part_a_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cases: Sequence[Case]) -> list[Failure]:
        ends = ("", " (asked 2 times)", " (asked 5 times)")
        return [Failure(f"HTTP 500{ends[int(c.prompt.text[-2:]) % 3]}") for c in cases]

    make_generator(monkeypatch, answer)
    make_scorer(monkeypatch, fine)
    assert told(tmp_path) == {("generate", "error: HTTP 500"): 30}


def test_a_long_reason_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = f"the program failed: {'x' * 300} RuntimeError: boom"
    make_generator(monkeypatch, lambda cases: [Failure(said)] * len(cases))
    make_scorer(monkeypatch, fine)
    ((_, reason),) = told(tmp_path)
    assert len(reason) == 200
    assert reason.startswith("error: the program failed: xxx")
    assert "x…x" in reason
    assert reason.endswith("x RuntimeError: boom")
