"""Aggregation: the plan is the denominator, in every arm and slice."""

from pathlib import Path
from typing import Any

import pytest

from harness.engine.store import Store
from harness.flow.aggregate import ArmKey, aggregate
from harness.metrics.estimate import METHODS
from harness.protocols import Proportion
from harness.records import Metric, Sample
from tests.flow.plugs import fine, generate_all, make_scorer, plan_of, raising, score_all

SOURCES: list[dict[str, Any]] = [
    {"items": ["bad one", "good one"], "tags": {"lang": "en"}},
    {"items": ["bad two", "good two", "good three"], "tags": {"lang": "zh", "topic": "pay"}},
    {"items": ["untagged"]},
]


def read(sample: Sample) -> object:
    return {"bad": str(sample.media).startswith("bad"), "level": 0.5}


def summed(folder: Path, **changes: Any) -> dict[tuple[str, str, str], Metric]:
    """Metrics by arm, slice and name."""
    planned = plan_of((), **{"prompts": SOURCES, "scorers": [{"use": "reads"}], **changes})
    with Store(folder) as store:
        store.write_cases(case for arm in planned.arms for case in planned.cases(arm))
        generate_all(planned, store)
        score_all(planned, store)
    arms = [
        ArmKey(a.generator.name, a.strategy.name, a.generator.fingerprint) for a in planned.arms
    ]
    found = aggregate(Store(folder), arms, planned.scorers, (0.9, 0.95))
    return {(m.strategy, m.slice, m.name): m for m in found if m.confidence == 0.95}


def test_every_slice_has_its_own_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_scorer(monkeypatch, read)
    found = summed(tmp_path)
    rates = {
        label: (m.value, m.n)
        for (_, label, name), m in found.items()
        if name == "reads.bad_rate"
    }
    assert rates == {
        "all": (1 / 3, 6),
        "lang=en": (0.5, 2),
        "lang=zh": (1 / 3, 3),
        "topic=pay": (1 / 3, 3),
    }


def test_repeats_of_a_prompt_are_one_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, read)
    found = summed(tmp_path, samples_per_prompt=4)["default", "all", "reads.bad_rate"]
    assert (found.n, found.clusters) == (24, 6)


def test_a_missing_score_stays_in_every_slice_it_belongs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(sample: Sample) -> object:
        return raising(sample) if sample.media == "bad two" else read(sample)

    make_scorer(monkeypatch, once)
    found = summed(tmp_path)
    missing = {
        label: m.missing for (_, label, name), m in found.items() if name == "reads.bad_rate"
    }
    assert missing == {"all": 1, "lang=en": 0, "lang=zh": 1, "topic=pay": 1}
    assert found["default", "lang=zh", "reads.coverage"].value == pytest.approx(2 / 3)
    worst = found["default", "lang=en", "reads.bad_rate"]
    assert worst.high is not None
    assert worst.high < 1


def test_a_case_that_was_never_scored_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, fine)
    summed(tmp_path)
    for part in (tmp_path / "scores" / "reads").iterdir():
        part.unlink()
    planned = plan_of((), prompts=SOURCES, scorers=[{"use": "reads"}])
    key = ArmKey("echo", "default", planned.arms[0].generator.fingerprint)
    for metric in aggregate(Store(tmp_path), [key], planned.scorers, (0.95,)):
        if metric.name == "reads.coverage":
            assert metric.value == 0.0
        else:
            assert (metric.value, metric.n, metric.cause) == (None, 0, "unscored")
            assert metric.missing > 0


def test_arms_are_summed_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_scorer(monkeypatch, lambda s: {"bad": s.case.strategy == "worse", "level": 0.5})
    found = summed(tmp_path, strategies=[{"name": "plain"}, {"name": "worse"}])
    assert found["plain", "all", "reads.bad_rate"].value == 0.0
    assert found["worse", "all", "reads.bad_rate"].value == 1.0


def test_a_signature_names_the_interval_and_the_version_of_the_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scorer(monkeypatch, read)
    found = summed(tmp_path)["default", "all", "reads.bad_rate"]
    parts = found.signature.split("|")
    assert parts[0] == "reads.bad_rate"
    assert "v:1" in parts
    assert f"interval:{METHODS[Proportion]}" in parts
    assert "n:6" in parts
    assert "c:0.95" in parts
