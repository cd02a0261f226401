"""A policy tried on planted evidence: dead rules, and what must never pass."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.flow.policy.fixtures import try_fixtures
from harness.flow.policy.mutation import Mutant, mutate
from harness.flow.policy.places import places
from harness.flow.policy.planted import Seen, metric_of
from harness.flow.policy.traits import Traits, of_installation, of_policy, traits_of
from harness.flow.policy.trial import try_policy
from harness.metrics.estimate import estimate
from harness.protocols import Count, Mean, MetricDef, Proportion
from harness.spec.library import names, packs
from harness.spec.policy import PolicySpec
from tests.flow.synthetic import limit, policy
from tests.flow.test_waive import KEY

TODAY = date(2026, 11, 25)
KNOWN = of_installation()
TOXIC, SECRETS, WORDS = "toxicity.any_rate", "privacy.secret_count", "length.words"
SAFE = limit("safe", value=0.01, metric=TOXIC)


def mutant(rule: dict[str, Any]) -> Mutant:
    """What became of one rule, beside one that is sound."""
    rules = policy(rule, {**SAFE, "id": "sound"})
    return mutate(rules, of_policy(rules, KNOWN), {}, TODAY)[0]


# Mutation.


def test_a_sound_rule_reaches_every_outcome_with_the_fewest_outputs() -> None:
    found = mutant(SAFE)
    assert found.reached == {"pass": "0 of 299", "fail": "1 of 1", "inconclusive": "0 of 1"}
    assert found.faults == ()


@pytest.mark.parametrize("severity", ["block", "legal", "warn", "observe"])
def test_a_rate_of_at_most_one_can_never_go_red(severity: str) -> None:
    found = mutant({**limit(value=1, metric=TOXIC), "severity": severity})
    (fault,) = found.faults
    assert fault.startswith("can never go red; toxicity.any_rate lies in [0, 1]")


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (limit(op=">=", value=1.5, metric="my.odd_share"), "never a percentage"),
        (limit(op=">=", value=90, metric="my.odd_rate"), "never a percentage"),
        (limit(value=0, metric=TOXIC), "ask `conform`"),
        (limit(op="==", value=0, metric=TOXIC), "ask `conform`"),
        (limit(op="==", value=4, metric=WORDS), "an interval is never one point"),
        (limit(value=-1, metric=WORDS), "correct the limit"),
        (limit(value=-1, metric=SECRETS), "a count is a whole number"),
        (limit(op="==", value=0.5, metric=SECRETS), "a count is a whole number"),
        ({"id": "r", "conform": {"metric": WORDS}}, "is no rate of outputs"),
        ({"id": "r", "compare": {"metric": WORDS, "against": "champion"}}, "equivalent"),
        (
            {"id": "r", "compare": {"metric": TOXIC, "against": "champion", "margin": 1,
                                    "test": "superior"}},
            "correct the margin",
        ),
        (
            {"id": "r", "coverage": {"by": "risk", "where": {"risk": "A"}, "each": {"B": 1}}},
            "contradicts itself",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_can_never_pass_is_named_with_what_to_try(
    rule: dict[str, Any], fault: str
) -> None:
    found = mutant(rule)
    assert found.reached["pass"] is None
    assert any(said.startswith("can never pass") and fault in said for said in found.faults)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (limit(op=">=", value=0, metric=TOXIC), "tighten it"),
        (limit(op=">=", value=0, metric=SECRETS), "tighten it"),
        (limit(op=">=", value=0, metric="latency.seconds_p95"), "tighten it"),
        (
            {"id": "r", "compare": {"metric": TOXIC, "against": "champion", "margin": 1}},
            "tighten the margin",
        ),
        (
            {"id": "r", "compare": {"metric": TOXIC, "against": "champion", "margin": 1,
                                    "test": "equivalent"}},
            "tighten the margin",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_can_never_go_red_is_named(rule: dict[str, Any], fault: str) -> None:
    found = mutant(rule)
    assert found.reached["fail"] is None
    assert any(said.startswith("can never go red") and fault in said for said in found.faults)


@pytest.mark.parametrize(
    "rule",
    [
        limit(value=0, metric=TOXIC, decide="point", n_min=10),
        limit(value=0.08, metric=TOXIC, slices={"by": "language", "only": ["en", "de"]}),
        limit(value=0.08, metric=TOXIC, slices={"by": "language", "min_n": 500}),
        limit(value=0.08, metric=TOXIC, decide="both", n_min=40),
        limit(op="==", value=0, metric=SECRETS),
        limit(value=2, metric=SECRETS),
        limit(value=90, metric="fluency.perplexity"),
        limit(op=">=", value=0.3, metric="diversity.distinct_2"),
        limit(value=1e-6, metric=TOXIC),
        limit(op=">=", value=7, metric="mine.joy"),
        limit(op="==", value=2, metric="latency.seconds_p50"),
        {"id": "r", "conform": {"metric": "label.ok"}},
        {"id": "r", "conform": {"metric": TOXIC, "expect": "none"}},
        {"id": "r", "coverage": {"by": "risk", "total": 9, "each": {"A": 2}}},
        {"id": "r", "document": {"file": "a.pdf", "signed_by": {"ann": KEY}}},
        {"id": "r", "document": {"file": "a.pdf", "signed_by": {"ann": KEY},
                                 "dated": "2001-02-03", "max_age_days": 9}},
        {"id": "r", "compare": {"metric": TOXIC, "against": "champion", "margin": 0.02}},
        {"id": "r", "compare": {"metric": TOXIC, "against": "strategy:greedy",
                                "test": "superior"}},
        {"id": "r", "compare": {"metric": TOXIC, "against": "champion", "margin": 0.5,
                                "relative": True, "test": "equivalent"}},
        {"id": "r", "compare": {"metric": WORDS, "against": "champion", "margin": 2,
                                "test": "equivalent"}},
        {"id": "r", "compare": {"metric": "fluency.perplexity", "against": "champion",
                                "margin": 0.05, "relative": True}},
    ],
)  # fmt: skip
def test_a_rule_that_works_reaches_all_three(rule: dict[str, Any]) -> None:
    found = mutant(rule)
    assert None not in found.reached.values()
    assert found.faults == ()


def test_a_document_nobody_need_sign_never_fails_but_holds_back() -> None:
    found = mutant({"id": "r", "document": {"file": "a.pdf", "signatures": 0}})
    assert (found.reached["fail"], found.faults) == (None, ())
    assert "holds back too" in found.notes[0]


def test_a_direction_that_nobody_defines_is_said_to_be_unknown() -> None:
    assert "its direction is unknown" in mutant(limit(metric="mine.odd_rate")).notes[0]
    assert mutant(limit(metric=TOXIC)).notes == ()


def test_a_limit_on_the_wrong_side_is_noted_unless_it_is_a_floor() -> None:
    floor = limit("floor", ">=", 1.2, metric="fluency.perplexity")
    assert "asks for the reverse" in mutant(floor).notes[0]
    rules = policy(floor, limit("roof", "<=", 90, metric="fluency.perplexity"))
    assert all(m.notes == () for m in mutate(rules, of_policy(rules, KNOWN), {}, TODAY))


def test_a_rule_that_does_not_apply_is_not_tried() -> None:
    rules = policy(SAFE, limit(value=1, metric=TOXIC), not_applicable={"r": "no such use"})
    found = mutate(rules, of_policy(rules, KNOWN), {}, TODAY)[1]
    assert (found.skipped, found.faults) == ("no such use", ())


def test_more_attempts_take_more_evidence_to_pass() -> None:
    rules = policy(SAFE, attempts=3)
    (found,) = mutate(rules, of_policy(rules, KNOWN), {}, TODAY)
    assert found.reached["pass"] == "0 of 408"


@settings(deadline=None)
@given(
    st.integers(0, 40), st.integers(1, 60), st.integers(0, 9),
    st.sampled_from([0.9, 0.95, 0.99]), st.booleans(),
)  # fmt: skip
def test_planted_rates_and_counts_are_what_an_estimate_would_be(
    events: int, n: int, missing: int, confidence: float, count: bool
) -> None:
    events = min(events, n)
    kind = Count("x") if count else Proportion("x")
    definition = MetricDef(kind=kind, unit="share", better="lower")
    rows = np.arange(n) < events
    found = estimate(
        definition, {"x": rows.astype(np.int64) if count else rows}, np.arange(n),
        missing=np.arange(n, n + missing), confidence=confidence,
    )  # fmt: skip
    seen = Seen(value=events if count else events / n, n=n, missing=missing)
    planted = metric_of("m.x", traits_of(definition), "all", confidence, seen)
    numbers = (planted.value, planted.n, planted.missing, planted.clusters, planted.cause)
    assert numbers == (found.value, found.n, found.missing, found.clusters, found.cause)
    assert planted.low == pytest.approx(found.low)
    assert planted.high == pytest.approx(found.high)


def test_planted_numbers_stay_in_their_range_and_are_never_a_point() -> None:
    mean = MetricDef(kind=Mean("x", (0, 1)), unit="probability", better="lower")
    seen = Seen(value=0.0, n=10, width=0.2)
    planted = metric_of("m.x", traits_of(mean), "all", 0.95, seen)
    assert (planted.low, planted.high) == (0.0, 0.2)


SHIPPED = [*names("policies"), *packs()]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_policy_is_right(name: str) -> None:
    from harness.spec.library import resolve

    found = try_policy(resolve("policies", name), TODAY)
    assert [f.says for f in found.fixtures if not f.right] == []
    assert [rule.faults for rule in found.rules if rule.faults] == []
    assert found.right


# Where it is written.


def test_a_rule_is_placed_in_the_file_that_holds_it(tmp_path: Path) -> None:
    head = "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: p}\n"
    rule = '  - {id: ID, require: {metric: toxicity.any_rate, op: "<=", value: 1}}\n'
    (tmp_path / "low.yaml").write_text(head + "rules:\n" + rule.replace("ID", "low"))
    top = tmp_path / "top.yaml"
    extends = "extends: [{file: low.yaml}, {pack: base-safety}]\n"
    top.write_text(head + extends + "rules:\n" + rule.replace("ID", "top"))
    found = places(top)
    assert (found["low"].line, found["top"].line) == (f"{tmp_path}/low.yaml:5", f"{top}:6")
    assert found["base.toxicity"].line.rpartition(":")[0].endswith("base-safety.yaml")
    assert {name for name, place in found.items() if not place.packed} == {"low", "top"}
    dead = {r.rule: r.where for r in try_policy(top, TODAY).rules if r.faults}
    assert dead == {"low": f"{tmp_path}/low.yaml:5", "top": f"{top}:6"}


OWN = (
    "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: p}\nrules:\n"
    '  - {id: sound, require: {metric: toxicity.any_rate, op: "<=", value: 0.01}}\n'
    '  - {id: r, require: {metric: METRIC, op: "<=", value: 0.01}}\n'
)


@pytest.mark.parametrize(
    ("metric", "cause"),
    [
        ("toxicity.any_rte", "did you mean 'toxicity.any_rate'?"),
        ("mine.odd_rate", "no scorer measures mine.odd_rate"),
    ],
)
def test_a_rule_on_a_metric_nobody_measures_is_dead(
    tmp_path: Path, metric: str, cause: str
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(OWN.replace("METRIC", metric))
    found = try_policy(path, TODAY)
    assert not found.right
    (fault,) = found.rules[1].faults
    assert fault.startswith("is never decided: ")
    assert cause in fault
    path.write_text(path.read_text() + "not_applicable: {r: There is no such use here.}\n")
    assert try_policy(path, TODAY).right


def test_a_pack_may_name_what_does_not_ship(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    pack = "pack: {name: mine, source: ours, grade: own}\nrules:"
    path.write_text(OWN.replace("METRIC", "mine.odd_rate").replace("rules:", pack))
    assert try_policy(path, TODAY).right


def test_the_range_of_a_metric_is_that_of_its_definition() -> None:
    assert KNOWN["toxicity.mean"] == Traits(kind="Mean", better="lower", low=0, high=1)
    assert (KNOWN["latency.seconds_p95"].low, KNOWN["latency.seconds_p95"].q) == (0.0, 0.95)
    assert KNOWN["fluency.perplexity"].high is None
    assert KNOWN["diversity.distinct_2"].better == "higher"


def test_the_policy_is_not_changed_by_being_tried() -> None:
    rules: PolicySpec = policy(SAFE)
    before = rules.model_dump_json()
    try_fixtures(rules, of_policy(rules, KNOWN), TODAY)
    assert rules.model_dump_json() == before
