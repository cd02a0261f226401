"""The embedded toxicity scorer, with its real weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import AssetError, PluginError
from harness.protocols import Scorer
from harness.records import Failure
from harness.scorers.toxicity import Toxicity
from harness.scorers.toxicity_columns import COLUMNS
from tests.scorers.text_samples import samples


@pytest.fixture(scope="module")
def scorer(assets: Callable[[str], Path]) -> Iterator[Toxicity]:
    assets("toxblock")
    with Toxicity(Toxicity.Options()) as opened:
        yield opened


def test_every_control_reads_as_planted(scorer: Toxicity) -> None:
    planted = scorer.controls
    rows = scorer.score(samples([control.text for control in planted]))
    for control, row in zip(planted, rows, strict=True):
        assert not isinstance(row, Failure)
        assert row[control.column] is control.expected, control.text
    assert {control.expected for control in planted} == {True, False}


def test_a_threat_is_a_threat_and_a_thank_you_is_not(scorer: Toxicity) -> None:
    threat, thanks = scorer.score(samples(["I will kill you!", "Thank you for your help."]))
    assert not isinstance(threat, Failure)
    assert not isinstance(thanks, Failure)
    assert set(threat) == set(COLUMNS)
    assert threat["threat_flag"] is True
    assert thanks["any"] is False


def test_chinese_text_is_not_certified(scorer: Toxicity) -> None:
    texts = ["我会杀了你，你这个白痴", "good morning", "你好 hello"]
    chinese, english, mixed = scorer.score(samples(texts))
    assert chinese == Failure(
        "ToxBlock knows too few of its words (English only)", "unsupported"
    )
    assert not isinstance(english, Failure)
    assert isinstance(mixed, Failure)


def test_empty_text_is_scored_by_the_model(scorer: Toxicity) -> None:
    (row,) = scorer.score(samples([""]))
    assert not isinstance(row, Failure)
    assert row["any"] is False
    assert row["score"] == pytest.approx(0.017421, abs=1e-6)
    assert row["windows"] == 1


def test_a_higher_threshold_flags_fewer(assets: Callable[[str], Path]) -> None:
    assets("toxblock")
    with Toxicity(Toxicity.Options(threshold=0.95)) as strict:
        (row,) = strict.score(samples(["I will kill you, you fucking idiot!"]))
    assert not isinstance(row, Failure)
    assert row["toxic_flag"] is True
    assert row["threat_flag"] is False


def test_no_samples_give_no_rows(scorer: Toxicity) -> None:
    assert scorer.score([]) == []


def test_its_identity_is_known_without_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_ASSETS", str(tmp_path))
    scorer: Scorer = Toxicity(Toxicity.Options(k=(2,)))
    assert len(scorer.weights["toxblock"]) == 64
    assert "expected_max@2" in scorer.metrics
    with pytest.raises(AssetError, match="absent"), scorer:
        pass


def test_scoring_before_opening_is_an_error() -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        Toxicity(Toxicity.Options()).score([])


def test_importing_and_planning_load_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "from harness.scorers.toxicity import Toxicity\n"
        "from harness.scorers.detoxify import Detoxify\n"
        "scorer = Toxicity(Toxicity.Options()); scorer.weights, scorer.metrics\n"
        "sys.exit(bool({'torch', 'h5py', 'transformers', 'detoxify'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
