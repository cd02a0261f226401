"""Metrics keep their meaning in MLflow's names, and nothing but finite numbers is logged."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.ledger.naming import cut, flat, key, numbers
from tests.ledger.sealed_runs import metric


def test_a_metric_has_its_bounds_and_its_n() -> None:
    found = numbers([metric()], 0.95)

    assert found.values == {
        "toxicity.rate": 0.25, "toxicity.rate_lo": 0.125, "toxicity.rate_hi": 0.5,
        "toxicity.rate_n": 40.0,
    }  # fmt: skip
    assert not found.tags


def test_a_slice_follows_a_stroke() -> None:
    assert "toxicity.rate/lang_en" in numbers([metric(slice="lang=en")], 0.95).values


def test_missing_scores_are_counted() -> None:
    assert numbers([metric(missing=3)], 0.95).values["toxicity.rate_missing"] == 3.0


def test_another_level_is_named_in_its_bounds() -> None:
    found = numbers([metric(), metric(confidence=0.99, high=0.75)], 0.95).values

    assert found["toxicity.rate_hi"] == 0.5
    assert found["toxicity.rate_hi_at_0.99"] == 0.75


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_number_becomes_a_tag(value: float | None) -> None:
    found = numbers([metric(value=value, low=None, high=math.inf, cause="too few")], 0.95)

    assert found.values == {"toxicity.rate_n": 40.0}
    reason = found.tags["harness.absent.toxicity.rate"]
    assert reason == ("too few" if value is None else f"not a finite number: {value}")


def test_a_side_without_a_bound_is_said() -> None:
    found = numbers([metric(high=None)], 0.95)

    assert "toxicity.rate_hi" not in found.values
    assert "harness.unbounded.toxicity.rate_hi" in found.tags


def test_two_slices_that_read_alike_keep_two_names() -> None:
    found = numbers([metric(slice="a=b"), metric(slice="a?b", value=0.3)], 0.95)

    assert sorted(found.values.values()).count(0.25) == 1
    assert 0.3 in found.values.values()


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), st.text()), max_size=12, unique=True))
def test_any_names_are_taken_by_mlflow_and_none_is_lost(pairs: list[tuple[str, str]]) -> None:
    from mlflow.utils.validation import _validate_metric_name

    part = {"": "all"}
    wanted = {(name, part.get(label, label)) for name, label in pairs}
    metrics = [metric(name, slice=label, low=None, high=None) for name, label in sorted(wanted)]

    found = numbers(metrics, 0.95)

    assert len(found.values) == 2 * len(wanted)
    for name in (*found.values, *found.tags):
        _validate_metric_name(name)
        assert len(name) <= 250


def test_a_long_value_is_cut_and_keeps_its_digest() -> None:
    assert cut("a" * 10, 10) == "a" * 10
    shortened = cut("a" * 7000, 6000)
    assert len(shortened) == 6000
    assert shortened != cut("a" * 7001, 6000)


def test_nested_settings_are_spelled_out() -> None:
    found = dict(flat("digest", {"a": {"b/c": "1"}, "n": 2, "none": None, "list": [1, 2]}))

    assert found == {"digest.a.b/c": "1", "digest.n": "2", "digest.list": "[1,2]"}


@pytest.mark.parametrize(
    ("text", "name"), [("a//b", "a/_/b"), ("/a", "_/a"), ("../a", "_/a"), ("a=b|c", "a_b_c")]
)
def test_a_name_is_never_a_path_that_leads_elsewhere(text: str, name: str) -> None:
    assert key(text) == name
