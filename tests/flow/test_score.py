"""Scoring: a score belongs to its very output, and a broken detector scores nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.engine.store import Store
from harness.flow.aggregate import ArmKey, aggregate
from harness.flow.plan import Plan
from harness.protocols import Control
from harness.records import Case, Failure, Generated, Metric, Sample
from tests.flow.plugs import (
    fine,
    generate_all,
    make_generator,
    make_scorer,
    plan_of,
    raising,
    score_all,
)

PROMPTS = [f"prompt number {n}" for n in range(10)]
READS: dict[str, Any] = {"scorers": [{"use": "reads"}]}


def rows(folder: Path, scorer: str = "reads") -> list[dict[str, Any]]:
    names = ["output_id", "status", "error", "fingerprint"]
    found: list[dict[str, Any]] = Store(folder).columns(f"scores/{scorer}", names).to_pylist()
    return found


def scored(folder: Path, **changes: Any) -> Plan:
    planned = plan_of(PROMPTS, **{**READS, **changes})
    with Store(folder) as store:
        store.write_cases(case for arm in planned.arms for case in planned.cases(arm))
        generate_all(planned, store)
        score_all(planned, store)
    return planned


def metrics(folder: Path, planned: Plan) -> dict[str, Metric]:
    arms = [
        ArmKey(a.generator.name, a.strategy.name, a.generator.fingerprint) for a in planned.arms
    ]
    return {m.name: m for m in aggregate(Store(folder), arms, planned.scorers, (0.95,))}


@pytest.mark.parametrize(
    "reading",
    [
        {"bad": False, "level": float("nan")},
        {"bad": False, "level": float("inf")},
        {"bad": False},
        {"bad": False, "level": 0.5, "extra": 1},
        {"bad": "no", "level": 0.5},
        None,
        "words",
    ],
)
def test_a_reading_that_does_not_fit_is_an_error_row(
    reading: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, lambda _: reading)
    planned = scored(tmp_path)
    assert {row["status"] for row in rows(tmp_path)} == {"error"}
    found = metrics(tmp_path, planned)["reads.level"]
    assert (found.value, found.n, found.missing) == (None, 0, len(PROMPTS))


def test_one_bad_reading_is_one_error_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(sample: Sample) -> object:
        return raising(sample) if sample.media == PROMPTS[2] else fine(sample)

    make_scorer(monkeypatch, read)
    found = metrics(tmp_path, scored(tmp_path))["reads.bad_rate"]
    assert (found.n, found.missing) == (9, 1)
    errors = [row["error"] for row in rows(tmp_path) if row["status"] == "error"]
    assert errors == ["RuntimeError: broken for good"]


@pytest.mark.parametrize("fires", [True, False])
def test_a_control_that_does_not_fire_makes_every_score_an_error(
    fires: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(sample: Sample) -> object:
        return {"bad": fires and sample.media == "kill", "level": 0.5}

    make_scorer(monkeypatch, read, controls=(Control(text="kill", column="bad"),))
    planned = scored(tmp_path)
    found = rows(tmp_path)
    assert len(found) == len(PROMPTS)
    assert {row["status"] for row in found} == {"ok" if fires else "error"}
    assert metrics(tmp_path, planned)["reads.bad_rate"].n == (len(PROMPTS) if fires else 0)
    if not fires:
        assert found[0]["error"] == "a planted item was misread: bad is not True"


@pytest.mark.parametrize("answer", [raising, lambda _: None, lambda _: {"bad": True}])
def test_a_control_that_cannot_be_read_makes_every_score_an_error(
    answer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(sample: Sample) -> object:
        return answer(sample) if sample.media == "kill" else fine(sample)

    make_scorer(monkeypatch, read, controls=(Control(text="kill", column="bad"),))
    scored(tmp_path)
    assert {row["status"] for row in rows(tmp_path)} == {"error"}
    assert "planted item could not be scored" in rows(tmp_path)[0]["error"]


def test_a_changed_scorer_redoes_only_its_own_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = make_scorer(monkeypatch, fine).asked
    generator = make_generator(monkeypatch, lambda cases: [Generated(media="a")] * len(cases))
    uses: dict[str, Any] = {"generators": [{"use": "answers"}]}
    both = [{"use": "reads"}, {"use": "length"}]
    scored(tmp_path, scorers=both, **uses)
    length = rows(tmp_path, "length")
    asked.clear()
    generator.asked.clear()
    changed = [{"use": "reads", "options": {"note": "new"}}, {"use": "length"}]
    planned = scored(tmp_path, scorers=changed, **uses)
    assert (len(asked), generator.asked) == (len(PROMPTS), [])
    assert rows(tmp_path, "length") == length
    assert metrics(tmp_path, planned)["reads.bad_rate"].n == len(PROMPTS)


def test_a_scorer_whose_columns_changed_is_read_without_its_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, lambda _: {"bad": 3}, columns={"bad": "int"}, metrics={})
    scored(tmp_path)
    make_scorer(monkeypatch, fine)
    planned = scored(tmp_path, scorers=[{"use": "reads", "options": {"note": "new"}}])
    assert metrics(tmp_path, planned)["reads.level"].n == len(PROMPTS)


def test_scores_of_another_generators_outputs_are_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(cases: Sequence[Case]) -> list[Generated | Failure]:
        return [Generated(media=tone) for _ in cases]

    def read(sample: Sample) -> object:
        return {"bad": sample.media == "bad", "level": 0.5}

    make_generator(monkeypatch, answer)
    asked = make_scorer(monkeypatch, read).asked
    good: dict[str, Any] = {"generators": [{"use": "answers"}]}
    worse: dict[str, Any] = {"generators": [{"use": "answers", "options": {"note": "new"}}]}
    tone = "good"
    first = scored(tmp_path, **good)
    tone = "bad"
    second = scored(tmp_path, **worse)
    assert asked == ["good"] * len(PROMPTS) + ["bad"] * len(PROMPTS)
    assert metrics(tmp_path, second)["reads.bad_rate"].value == 1.0
    assert metrics(tmp_path, first)["reads.bad_rate"].value == 0.0
    asked.clear()
    scored(tmp_path, **good)
    scored(tmp_path, **worse)
    assert asked == []


def test_scores_of_another_generator_do_not_stand_in_for_failed_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, fine)
    make_generator(monkeypatch, lambda cases: [Generated(media="a")] * len(cases))
    scored(tmp_path, generators=[{"use": "answers"}])
    make_generator(monkeypatch, lambda cases: [Failure("down")] * len(cases))
    now = scored(tmp_path, generators=[{"use": "answers", "options": {"note": "new"}}])
    found = metrics(tmp_path, now)["reads.bad_rate"]
    assert (found.n, found.missing, found.value) == (0, len(PROMPTS), None)


def test_a_late_output_is_scored_without_reading_its_batch_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = {PROMPTS[1]}

    def answer(cases: Sequence[Case]) -> list[Generated | Failure]:
        texts = [case.prompt.text for case in cases]
        return [Failure("down") if t in down else Generated(media=t) for t in texts]

    make_generator(monkeypatch, answer)
    asked = make_scorer(monkeypatch, fine).asked
    scored(tmp_path, generators=[{"use": "answers"}])
    asked.clear()
    down.clear()
    planned = scored(tmp_path, generators=[{"use": "answers"}])
    assert asked == [PROMPTS[1]]
    assert metrics(tmp_path, planned)["reads.bad_rate"].missing == 0


def test_a_scorer_is_not_shown_media_it_does_not_accept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = make_scorer(monkeypatch, fine).asked
    planned = scored(tmp_path, generators=[{"use": "pixel"}])
    assert asked == []
    assert metrics(tmp_path, planned)["reads.bad_rate"].missing == len(PROMPTS)


SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: s}
generators: [{use: echo}]
prompts: [{items: [one, two, three, four, five, six]}]
scorers: [{use: reads}]
"""
POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
rules: [{id: bad, require: {metric: reads.bad_rate, op: "<=", value: 0.99}}]
"""


@pytest.mark.parametrize(
    ("read", "code", "said"), [(raising, 2, "inconclusive"), (fine, 0, "pass")]
)
def test_a_scorer_that_always_raises_is_inconclusive_and_exits_2(
    read: Any, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    make_scorer(monkeypatch, read)
    (tmp_path / "s.yaml").write_text(SUITE)
    (tmp_path / "p.yaml").write_text(POLICY)
    where = ["-p", str(tmp_path / "p.yaml"), "--out", str(tmp_path / "run"), "--json"]
    assert main(["run", str(tmp_path / "s.yaml"), *where]) == code
    decision = json.loads((tmp_path / "run" / "decision.json").read_bytes())
    assert decision["outcome"] == said
