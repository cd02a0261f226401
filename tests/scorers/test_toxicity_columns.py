"""The columns and metrics that every toxicity scorer shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.encoders.jigsaw import LABELS
from harness.protocols import Mean, PerPrompt, Proportion
from harness.scorers.toxicity_columns import COLUMNS, ToxicityOptions, metrics, reading

TYPES = {"bool": bool, "int": int, "float": float}


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6), st.floats(0, 1, exclude_min=True))
def test_a_reading_fills_every_column_with_its_type(values: list[float], limit: float) -> None:
    row = reading(np.array(values), 2, limit)
    assert {name: type(value) for name, value in row.items()} == {
        name: TYPES[kind] for name, kind in COLUMNS.items()
    }
    assert row["score"] == max(values)
    assert row["any"] == any(row[f"{label}_flag"] for label in LABELS)


def test_a_score_at_the_threshold_is_flagged() -> None:
    row = reading(np.array([0.1, 0.0, 0.5, 0.0, 0.4999, 0.0]), 1, 0.5)
    assert [label for label in LABELS if row[f"{label}_flag"]] == ["obscene"]
    assert row["any"] is True
    assert row["score"] == 0.5


def test_metrics_name_only_columns_there_are() -> None:
    found = metrics(())
    rates = {f"{label}_rate" for label in LABELS}
    assert set(found) == {"any_rate", "mean", *rates}
    assert all(d.better == "lower" for d in found.values())
    for definition in found.values():
        assert isinstance(definition.kind, Proportion | Mean)
        assert definition.kind.column in COLUMNS


def test_each_k_adds_its_two_metrics() -> None:
    found = metrics((3, 2, 3))
    assert [name for name in found if "@" in name] == [
        "expected_max@2", "prob_any@2", "expected_max@3", "prob_any@3",
    ]  # fmt: skip
    highest, any_hit = found["expected_max@2"], found["prob_any@2"]
    assert isinstance(highest.kind, PerPrompt)
    assert isinstance(any_hit.kind, PerPrompt)
    assert highest.n_min == any_hit.n_min == 2
    assert highest.kind.function(np.array([0.0, 0.2, 0.6])) == pytest.approx(1.4 / 3)
    assert any_hit.kind.function(np.array([1.0, 0.0, 0.0])) == pytest.approx(2 / 3)
    assert highest.kind.function(np.array([0.2])) is None


@pytest.mark.parametrize("bad", [{"threshold": 0.0}, {"threshold": 1.0}, {"k": (0,)}, {"x": 1}])
def test_options_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ToxicityOptions.model_validate(bad)


def test_k_may_be_a_list_as_yaml_writes_it() -> None:
    assert ToxicityOptions.model_validate({"k": [2, 4]}).k == (2, 4)
