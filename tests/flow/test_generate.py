"""Generation: each case one row, a failure is a row, and finished work is not redone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine.store import Store
from harness.records import Case, Failure, Generated, Image
from tests.flow.plugs import generate_all, make_generator, plan_of

PROMPTS = [f"prompt number {n}" for n in range(10)]
USES: dict[str, Any] = {"generators": [{"use": "answers"}]}


def echoed(cases: Sequence[Case]) -> list[Generated | Failure]:
    return [Generated(media=case.prompt.text) for case in cases]


def rows(folder: Path) -> list[dict[str, Any]]:
    names = ["case_id", "status", "text", "error", "media", "seconds", "batch_size"]
    found: list[dict[str, Any]] = Store(folder).columns("outputs", names).to_pylist()
    return found


def generated(folder: Path, **changes: Any) -> list[dict[str, Any]]:
    with Store(folder) as store:
        generate_all(plan_of(PROMPTS, **{**USES, **changes}), store)
    return rows(folder)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "answered with NoneType"),
        ("text", "answered with str"),
        (Generated(media=b"bytes"), "bytes is no text or picture"),  # type: ignore[arg-type]
        (Generated(media=None), "NoneType is no text or picture"),  # type: ignore[arg-type]
        (Generated(media=Image(np.zeros((2, 2), dtype=np.uint8))), "no text or picture"),
        (Generated(media=Image(np.zeros((2, 2, 3), dtype=np.int64))), "no text or picture"),
        (Generated(media=Image(np.zeros((0, 2, 3), dtype=np.uint8))), "no text or picture"),
        (Generated(media="a", seconds=float("nan")), "time is not finite"),
        (Generated(media="a", seconds=-1.0), "time is not finite"),
        (Generated(media="a", first_token_seconds=float("inf")), "time is not finite"),
        (Generated(media="a", tokens=-1), "tokens are no count"),
        (Generated(media="a", tokens=2**63), "tokens are no count"),
        (Generated(media="a", tokens=1.5), "tokens are no count"),  # type: ignore[arg-type]
        (Generated(media="a", finish="tired"), "finish is none of"),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_cannot_be_stored_is_an_error_row(
    answer: object, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, lambda cases: [answer for _ in cases])
    found = generated(tmp_path)
    assert {row["status"] for row in found} == {"error"}
    assert reason in found[0]["error"]
    assert found[0]["text"] is None


@pytest.mark.parametrize("given", [0, 1, 5])
def test_another_number_of_answers_is_an_error_of_each_case(
    given: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, lambda cases: [Generated(media="a")] * given)
    found = generated(tmp_path)
    assert len(found) == len(PROMPTS)
    alone_is_fine = given == 1
    assert {row["status"] for row in found} == {"ok" if alone_is_fine else "error"}


def test_one_bad_case_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(cases: Sequence[Case]) -> list[Generated | Failure]:
        if any(case.prompt.text == PROMPTS[3] for case in cases):
            raise ValueError("three")
        return echoed(cases)

    make_generator(monkeypatch, answer)
    found = generated(tmp_path)
    assert len(found) == len(PROMPTS)
    assert [row["error"] for row in found if row["status"] != "ok"] == ["ValueError: three"]


def test_half_a_surrogate_and_a_huge_text_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = "long " * 400_000
    make_generator(
        monkeypatch, lambda cases: [Generated(media="a\ud800b" + huge) for _ in cases]
    )
    found = generated(tmp_path)
    assert {row["text"] for row in found} == {"a?b" + huge}


def test_a_reason_that_utf8_cannot_hold_or_that_is_huge_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cases: Sequence[Case]) -> list[Generated | Failure]:
        raise ValueError("bad \udfff " + "x" * 10**6)

    make_generator(monkeypatch, answer)
    found = generated(tmp_path)
    assert found[0]["error"].startswith("ValueError: bad ? xxx")
    assert len(found[0]["error"]) < 2_100


def test_equal_pictures_are_stored_once(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "generators": [{"use": "pixel"}, {"use": "pixel", "name": "again"}],
        "scorers": [{"use": "latency"}],
    }
    found = generated(tmp_path, **changes)
    files = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert len(found) == 2 * len(PROMPTS)
    assert sorted(path.name for path in files) == sorted({row["media"] for row in found})
    assert len(files) == len(PROMPTS)


def test_only_failed_cases_are_tried_again_and_together_make_one_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = set(PROMPTS[:2])

    def answer(cases: Sequence[Case]) -> list[Generated | Failure]:
        return [
            Failure("no") if case.prompt.text in bad else Generated(media="yes")
            for case in cases
        ]

    made = make_generator(monkeypatch, answer)
    generated(tmp_path)
    parts = len(list((tmp_path / "outputs").iterdir()))
    made.asked.clear()
    bad.clear()
    found = generated(tmp_path)
    assert sorted(made.asked) == PROMPTS[:2]
    assert len(list((tmp_path / "outputs").iterdir())) == parts + 1
    good = [row["case_id"] for row in found if row["status"] == "ok"]
    assert len(good) == len(set(good)) == len(PROMPTS)
    made.asked.clear()
    generated(tmp_path)
    assert not made.asked


def test_what_a_plugin_calls_unsupported_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_generator(
        monkeypatch, lambda cases: [Failure("other language", "unsupported") for _ in cases]
    )
    generated(tmp_path)
    made.asked.clear()
    found = generated(tmp_path)
    assert not made.asked
    assert {row["status"] for row in found} == {"unsupported"}


def test_a_changed_generator_answers_everything_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_generator(monkeypatch, echoed)
    generated(tmp_path)
    made.asked.clear()
    generated(tmp_path, generators=[{"use": "answers", "options": {"note": "new"}}])
    assert sorted(made.asked) == PROMPTS


def test_a_generator_that_reports_no_time_gets_that_of_its_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generator(monkeypatch, echoed)
    found = generated(tmp_path)
    assert all(row["seconds"] > 0 for row in found)
    assert [row["batch_size"] for row in found] == [4] * 8 + [2] * 2


def test_a_full_disk_keeps_finished_work_and_the_next_call_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    made = make_generator(monkeypatch, echoed)
    real, flushed = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal flushed
        flushed += 1
        if flushed > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        generated(tmp_path)
    monkeypatch.setattr(os, "fsync", real)
    kept = [row["case_id"] for row in rows(tmp_path)]
    assert len(kept) >= 4
    assert not list(tmp_path.rglob("*.tmp"))
    made.asked.clear()
    found = [row["case_id"] for row in generated(tmp_path)]
    assert found[: len(kept)] == kept
    assert len(set(found)) == len(found) == len(PROMPTS)
    assert len(made.asked) == len(PROMPTS) - len(kept)


def test_a_generator_is_opened_once_for_all_its_strategies_and_not_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, opened = make_generator(monkeypatch, echoed), list[str]()
    monkeypatch.setattr(made, "__enter__", lambda self: opened.append("opened") or self)  # type: ignore[func-returns-value]
    strategies = [{"name": "one"}, {"name": "two", "params": {"heat": 2}}]
    found = generated(tmp_path, strategies=strategies)
    assert len(found) == 2 * len(PROMPTS)
    assert opened == ["opened"]
    generated(tmp_path, strategies=strategies)
    assert opened == ["opened"]
