"""Examples: the worst first, of this run's own outputs, masked and short."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine.store import Store
from harness.flow.aggregate import ArmKey
from harness.flow.assess import rejudge
from harness.flow.examples import examples
from harness.flow.run import run
from harness.flow.thumbnails import thumbnail
from harness.protocols import Mean, MetricDef, Proportion
from harness.records import Case, Example, Failure, Generated, Image, Picture, Sample
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


def painted(shade: int) -> Image:
    return Image(np.full((8, 8, 3), shade, np.uint8))


def shaded(cases: Sequence[Case]) -> list[Generated | Failure]:
    """Paint the number at the end of each prompt; the fourth cannot be painted."""
    numbers = [int(case.prompt.text[-2:]) for case in cases]
    return [
        Failure("no paint") if n == 4 else Generated(media=painted(10 * n)) for n in numbers
    ]


def unsafe(sample: Sample) -> object:
    """Flag the second, cannot see the third."""
    assert isinstance(sample.media, Image)
    shade = int(sample.media.pixels[0, 0, 0])
    return Failure("too dark") if shade == 30 else {"bad": shade == 20, "level": shade / 255}


def pictured(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    prompts: Sequence[str] = PROMPTS,
    **scorer: Any,
) -> list[Example]:
    make_generator(monkeypatch, shaded).modality = "image"
    make_scorer(monkeypatch, unsafe, accepts=frozenset({"image"}))
    return list(shown(folder, prompts, scorers=[{"use": "reads", **scorer}]))


def hung(examples: Sequence[Example], place: str) -> list[tuple[Example, Picture]]:
    return [(e, e.picture) for e in examples if e.picture and e.picture.place == place]


def test_pictures_travel_with_their_prompt_score_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = pictured(tmp_path, monkeypatch)
    best, picture = hung(found, "best")[0]
    assert picture == Picture(
        source=thumbnail(painted(0)), width=8, height=8, place="best", score=0.0,
        measure="reads.level, lower is better",
    )  # fmt: skip
    assert (best.prompt, best.text, best.status) == ("prompt number 00", "", "ok")
    worst = [e.prompt[-2:] for e, _ in hung(found, "worst")]
    assert worst == ["02", "04", "19", "18", "17", "16"]
    assert len(hung(found, "drawn")) == 12
    assert all(e.picture for e in found)


def test_a_picture_that_failed_is_an_empty_one_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = pictured(tmp_path, monkeypatch)
    empty = [(e.text, e.status) for e, p in hung(found, "worst") if not p.source]
    assert empty == [("no paint", "error")]


def test_sensitive_flags_hide_a_picture_and_other_flags_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = pictured(tmp_path / "plain", monkeypatch)
    assert {p.hidden for e, p in hung(plain, "worst")} == {""}
    found = pictured(tmp_path / "guarded", monkeypatch, PROMPTS[:5], name="nsfw-mine")
    assert hung(found, "worst")[0][1].hidden == "flagged by nsfw-mine.bad"
    assert {e.prompt[-2:]: p.hidden for e, p in hung(found, "drawn")} == {
        "00": "",
        "01": "",
        "02": "flagged by nsfw-mine.bad",
        "03": "not read by nsfw-mine",
        "04": "",
    }


def test_arms_are_drawn_the_same_prompts_even_where_all_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(cases: Sequence[Case]) -> list[Generated | Failure]:
        made = shaded(cases)
        return [Failure("torn")] * len(made) if cases[0].strategy == "torn" else made

    make_generator(monkeypatch, torn).modality = "image"
    make_scorer(monkeypatch, unsafe, accepts=frozenset({"image"}))
    strategies = [{"name": "whole", "params": {}}, {"name": "torn", "params": {"t": 1}}]
    drawn = hung(shown(tmp_path, strategies=strategies), "drawn")
    prompts = {
        name: [e.prompt for e, _ in drawn if e.strategy == name] for name in ("whole", "torn")
    }
    assert prompts["whole"] == prompts["torn"]
    assert all(not p.source for e, p in drawn if e.strategy == "torn")


def test_a_number_without_a_good_direction_ranks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, shaded).modality = "image"
    metrics = {
        "bad_rate": MetricDef(kind=Proportion("bad"), unit="share", better="lower"),
        "level": MetricDef(kind=Mean("level", (0, 1)), unit="", better="neither"),
    }
    make_scorer(monkeypatch, unsafe, accepts=frozenset({"image"}), metrics=metrics)
    found = shown(tmp_path)
    assert [e.prompt[-2:] for e, _ in hung(found, "worst")] == ["02", "04"]
    assert not hung(found, "best")
    assert {p.measure for _, p in hung(found, "drawn")} == {""}


def test_the_report_shows_pictures_the_decision_none_and_again_the_same_bytes(
    tmp_path: Path,
) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "apiVersion: harness/v1\nkind: Suite\nmetadata: {name: pixels}\n"
        "generators: [{use: pixel}]\nscorers: [{use: latency}]\n"
        "prompts: [{items: [a red fox, write to ann@corp.org]}]\n"
    )
    _, folder = run(suite, None, out=tmp_path / "run")
    report = (folder / "report.html").read_bytes()
    assert report.count(b'src="data:image/png;base64,') == 2
    assert b"write to [EMAIL]" in report
    assert b"corp.org" not in report
    assert b"data:image" not in (folder / "decision.json").read_bytes()
    assert b"data:image" not in (folder / "report.md").read_bytes()
    rejudge(folder, None)
    assert (folder / "report.html").read_bytes() == report
