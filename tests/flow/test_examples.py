"""Examples: the worst first, of this run's own outputs, masked and short."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.engine.store import Store
from harness.flow.aggregate import ArmKey
from harness.flow.examples import examples
from harness.records import Case, Example, Failure, Generated, Sample
from tests.flow.plugs import (
    generate_all,
    make_generator,
    make_scorer,
    plan_of,
    score_all,
)

PROMPTS = [f"prompt number {n:02}" for n in range(20)]
USES: dict[str, Any] = {"generators": [{"use": "answers"}], "scorers": [{"use": "reads"}]}


def shown(
    folder: Path, prompts: Sequence[str] = PROMPTS, **changes: Any
) -> tuple[Example, ...]:
    planned = plan_of(prompts, **{**USES, **changes})
    with Store(folder) as store:
        store.write_cases(case for arm in planned.arms for case in planned.cases(arm))
        generate_all(planned, store)
        score_all(planned, store)
    arms = [
        ArmKey(a.generator.name, a.strategy.name, a.generator.fingerprint) for a in planned.arms
    ]
    return examples(Store(folder), arms, planned.scorers)


def echoed(cases: Sequence[Case]) -> list[Generated | Failure]:
    return [Generated(media=case.prompt.text) for case in cases]


def read(sample: Sample) -> object:
    return {"bad": str(sample.media)[-2:] in ("07", "13"), "level": 0.5}


def test_flagged_outputs_come_first_then_the_first_of_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, echoed)
    make_scorer(monkeypatch, read)
    found = shown(tmp_path)
    assert {e.text[-2:] for e in found[:2]} == {"07", "13"}
    assert [e.flags for e in found] == [("reads.bad",)] * 2 + [()] * 3


def test_errors_are_shown_among_the_worst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, lambda cases: [Failure("down")] * len(cases))
    make_scorer(monkeypatch, read)
    found = shown(tmp_path)
    assert [(e.status, e.text) for e in found] == [("error", "down")] * 6


def test_outputs_of_another_generator_in_the_folder_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tone = "first"
    make_generator(monkeypatch, lambda cases: [Generated(media=tone) for _ in cases])
    make_scorer(monkeypatch, read)
    shown(tmp_path)
    tone = "second"
    again = [{"use": "answers", "options": {"note": "new"}}]
    assert {e.text for e in shown(tmp_path, generators=again)} == {"second"}
    assert {e.text for e in shown(tmp_path)} == {"first"}


def test_personal_data_is_masked_wherever_the_text_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, echoed)
    make_scorer(monkeypatch, read)
    prompts = ["x " * 298 + "ann@corp.org today", "ann@corp.org " * 1_666]
    for example in shown(tmp_path, prompts):
        assert "corp" not in example.text + example.prompt
        assert len(example.text) <= 600
