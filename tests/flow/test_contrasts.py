"""Differences between arms: on each slice, in pairs or apart, with what is independent."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.store import Store
from harness.flow.aggregate import Setting
from harness.flow.contrasts import Baseline, Contrasts
from harness.flow.evidence import Difference, Gap, Question
from harness.flow.run import run
from harness.flow.stored import bound_scorers
from tests.flow.suites import planted
from tests.flow.test_compare import TWO, outputs

QUESTION = Question(
    arm=("new", "default"), against="generator:old", metric="privacy.leak_rate", slice="all",
    scale=1.0, confidence=0.95, paired=True,
)  # fmt: skip


@pytest.fixture
def contrasts(tmp_path: Path) -> Contrasts:
    return of(tmp_path, Setting())


def of(folder: Path, setting: Setting) -> Contrasts:
    """Contrasts of a run in which the old generator leaks 40 times in 200, the new 10 times."""
    outputs(folder, "old", planted(200, 40))
    outputs(folder, "new", planted(200, 10))
    text = TWO.format(more="").replace(
        "{file: new.jsonl}]\nscorers", "{file: new.jsonl, tags: {lang: en}}]\nscorers"
    )
    (folder / "two.yaml").write_text(text)
    store = Store(run(folder / "two.yaml", out=folder / "runs" / "two")[1])
    own = Baseline.of(store)
    return Contrasts(own, bound_scorers(own.suite, own.manifest, store), {}, setting)


def difference(contrasts: Contrasts, **changes: object) -> Difference:
    found = contrasts(replace(QUESTION, **changes))  # type: ignore[arg-type]
    assert isinstance(found, Difference)
    return found


def test_the_difference_is_ours_less_theirs(contrasts: Contrasts) -> None:
    found = difference(contrasts)
    assert found.metric.value == pytest.approx(-0.15)
    assert found.theirs == pytest.approx(0.2)
    assert (found.metric.n, found.metric.missing, found.metric.clusters) == (200, 0, 200)
    assert "against:generator:old" in found.metric.signature


def test_a_scale_multiplies_the_other_side(contrasts: Contrasts) -> None:
    assert difference(contrasts, scale=0.5).metric.value == pytest.approx(-0.05)


def test_a_slice_holds_its_own_pairs(contrasts: Contrasts) -> None:
    assert difference(contrasts, slice="lang=en").metric.n == 200
    gap = contrasts(replace(QUESTION, slice="lang=zh"))
    assert isinstance(gap, Gap)
    assert gap.cause == "insufficient_n"


def test_apart_is_wider_than_in_pairs(contrasts: Contrasts) -> None:
    def width(*, paired: bool) -> float:
        metric = difference(contrasts, paired=paired).metric
        assert metric.low is not None
        assert metric.high is not None
        return metric.high - metric.low

    assert width(paired=False) > width(paired=True)


def test_looking_often_widens(tmp_path: Path) -> None:
    once = difference(of(tmp_path / "a", Setting())).metric
    often = difference(of(tmp_path / "b", Setting(looks=12))).metric
    assert once.high is not None
    assert often.high is not None
    assert often.high > once.high


def test_a_tag_can_be_what_is_independent(tmp_path: Path) -> None:
    found = difference(of(tmp_path, Setting(cluster_by="lang"))).metric
    assert found.clusters == 1
    assert "clusters:lang" in found.signature
    assert found.high is None or found.high > 0.1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"against": "generator:nobody"}, "generator:nobody has no arm"),
        ({"against": "strategy:nobody"}, "strategy:nobody has no arm"),
        ({"against": "champion"}, "no run to compare with as champion"),
        ({"metric": "privacy.nothing"}, "no scorer"),
        ({"metric": "nobody.rate"}, "no scorer"),
        ({"arm": ("nobody", "default")}, "no scorer"),
    ],
)
def test_what_cannot_be_answered_is_a_gap_with_its_reason(
    contrasts: Contrasts, changes: dict[str, object], said: str
) -> None:
    gap = contrasts(replace(QUESTION, **changes))  # type: ignore[arg-type]
    assert isinstance(gap, Gap)
    assert gap.cause == "missing_metric"
    assert said in gap.message
