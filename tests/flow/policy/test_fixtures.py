"""Planted models and the evidence on which no policy may pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.flow.policy.fixtures import Fixture, try_fixtures
from harness.flow.policy.models import perfect, terrible
from harness.flow.policy.traits import of_installation, of_policy
from tests.flow.synthetic import TODAY, limit, policy
from tests.flow.test_waive import KEY

KNOWN = of_installation()
TOXIC, SECRETS, WORDS = "toxicity.any_rate", "privacy.secret_count", "length.words"
SAFE = limit("safe", value=0.01, metric=TOXIC)


def fixtures(*rules: dict[str, Any], **keys: Any) -> dict[str, Fixture]:
    one = policy(*rules, **keys)
    return {f.name: f for f in try_fixtures(one, of_policy(one, KNOWN), TODAY)}


def wrong(found: dict[str, Fixture]) -> list[str]:
    return [name for name, fixture in found.items() if not fixture.right]


def test_no_fixture_passes_a_sound_policy_and_a_perfect_model_does() -> None:
    found = fixtures(
        SAFE,
        limit("slow", value=3, metric="latency.seconds_p95", slices={"by": "language"}),
        limit("secrets", "==", 0, metric=SECRETS),
        {"id": "like", "compare": {"metric": WORDS, "against": "champion", "margin": 2,
                                   "test": "equivalent"}},
        {"id": "bank", "coverage": {"by": "risk", "each": {"A": 5}}},
        {"id": "paper", "document": {"file": "a.pdf", "signed_by": {"ann": KEY}}},
        evidence={"prompts": 40, "suite": "a" * 64, "scorers": {"toxicity": "b" * 64},
                  "identity": ["weights"]},
    )  # fmt: skip
    assert wrong(found) == []
    assert "unused" not in {fixture.outcome for fixture in found.values()}
    assert found["a planted perfect model"].outcome == "pass"
    assert found["a planted bad model"].outcome == "fail"
    assert found["an expired waiver"].outcome == "refused"
    assert "evidence.suite, scorer toxicity, evidence.identity, champion" in (
        found["wrong digest"].says
    )


def test_a_policy_whose_only_rule_is_a_warning_on_the_model_passes_a_bad_one() -> None:
    found = fixtures(
        {"id": "bank", "coverage": {"by": "risk", "total": 5}},
        {**SAFE, "severity": "warn"},
    )
    assert wrong(found) == ["a planted bad model"]
    assert "PASSES" in found["a planted bad model"].says


def test_a_limit_on_the_wrong_side_passes_a_bad_model() -> None:
    assert "a planted bad model" in wrong(fixtures(limit(op=">=", value=0.9, metric=TOXIC)))


def test_rules_that_contradict_each_other_are_named() -> None:
    low, high = limit("low", "<=", 3, metric=WORDS), limit("high", ">=", 5, metric=WORDS)
    found = fixtures(low, high)
    assert wrong(found) == ["a planted perfect model"]
    said = found["a planted perfect model"].says
    assert "low" in said or "high" in said


def test_a_document_that_is_too_old_today_is_named_and_no_fault() -> None:
    old = {"file": "a.pdf", "signed_by": {"ann": KEY}, "dated": "2001-02-03",
           "max_age_days": 9}  # fmt: skip
    found = fixtures(SAFE, {"id": "paper", "document": old})
    assert wrong(found) == []
    assert found["a planted perfect model"].outcome == "inconclusive"
    assert "paper (stale)" in found["a planted perfect model"].says


def test_two_limits_on_one_number_can_both_hold() -> None:
    low, high = limit("low", ">=", 3, metric=WORDS), limit("high", "<=", 5, metric=WORDS)
    assert wrong(fixtures(low, high)) == []


@pytest.mark.parametrize("borne", [0.0, 0.05, 0.2, 0.99, 1.0])
def test_unscored_outputs_pass_no_policy_however_much_it_puts_up_with(borne: float) -> None:
    found = fixtures(limit(value=0.5, metric=TOXIC, max_unscored=borne))
    assert found["5 % unscored or more"].outcome == "inconclusive"


def test_a_value_that_is_nan_passes_no_rule_of_any_kind() -> None:
    like = {"metric": WORDS, "against": "champion", "margin": 2, "test": "equivalent"}
    found = fixtures(
        SAFE,
        limit("words", value=90, metric=WORDS, decide="point", n_min=5),
        limit("secrets", "==", 0, metric=SECRETS),
        {"id": "all", "conform": {"metric": "label.ok"}},
        {"id": "like", "compare": like},
    )["a value that is NaN"]
    assert (found.outcome, found.right) == ("inconclusive", True)
    assert "label.ok" in found.says


def test_a_rule_on_nothing_being_scored_passes_when_all_scores_errored() -> None:
    reversed_ = limit(value=0.5, metric="toxicity.coverage")
    assert "all scores errored" in wrong(fixtures(reversed_))


@pytest.mark.parametrize("test", ["noninferior", "equivalent"])
def test_fewer_scores_than_the_champion_has_are_no_pass(test: str) -> None:
    asked = {"metric": "toxicity.coverage", "against": "champion", "margin": 0.1, "test": test}
    assert wrong(fixtures({"id": "r", "compare": asked})) == []


LIMITS = st.builds(
    lambda op, value, severity, n_min: limit(
        f"r{op}{value}".translate(str.maketrans("<>=", "lge")), op, value, metric=TOXIC,
        severity=severity, n_min=n_min,
    ),
    st.sampled_from(["<=", ">="]), st.sampled_from([0.01, 0.2, 0.5, 0.9]),
    st.sampled_from(["block", "legal"]), st.integers(1, 500),
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(LIMITS, min_size=1, max_size=4, unique_by=lambda rule: str(rule["id"])))
def test_a_perfect_model_passes_or_the_rules_exclude_each_other(
    rules: Sequence[dict[str, Any]],
) -> None:
    found = fixtures(*rules)["a planted perfect model"]
    asked = [rule["require"] for rule in rules]
    floor = max((r["value"] for r in asked if r["op"] == ">="), default=0.0)
    roof = min((r["value"] for r in asked if r["op"] == "<="), default=1.0)
    assert (found.outcome == "pass") == (floor < roof)


ANY_LIMIT = st.builds(
    lambda metric, op, value: limit(f"{metric}{value}".replace("-", "m"), op, value,
                                    metric=metric),
    st.sampled_from([TOXIC, SECRETS, WORDS, "latency.seconds_p95", "diversity.distinct_2"]),
    st.sampled_from(["<=", ">=", "=="]), st.sampled_from([-1.0, 0.0, 0.3, 1.0, 1.5, 90.0]),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(ANY_LIMIT, min_size=1, max_size=4, unique_by=lambda rule: str(rule["id"])))
def test_a_planted_model_has_only_numbers_that_a_run_could_have(
    rules: Sequence[dict[str, Any]],
) -> None:
    one = policy(*rules)
    traits = of_policy(one, KNOWN)
    for model in (perfect(one, traits, TODAY), terrible(one, traits, TODAY)):
        for metric in model.metrics:
            own = traits[metric.name]
            for number in (metric.low, metric.value, metric.high):
                assert number is not None
                assert math.isfinite(number)
                assert own.low is None or number >= own.low
                assert own.high is None or number <= own.high
