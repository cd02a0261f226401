"""Verdicts: what passes, what never does, and why."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.flow.evidence import Evidence
from harness.flow.judge import confidences, judge, overall
from harness.metrics.estimate import estimate
from harness.protocols import MetricDef, Proportion
from harness.records import Finding, Metric, Outcome
from harness.spec.policy import PolicySpec
from tests.flow import synthetic
from tests.flow.synthetic import limit as rule
from tests.flow.synthetic import metric

OUTCOMES = st.sampled_from(["pass", "fail", "inconclusive", "waived", "not_applicable"])
RATE = MetricDef(kind=Proportion("bad"), unit="share", better="lower")


def policy(*rules: dict[str, Any], **defaults: Any) -> PolicySpec:
    return synthetic.policy(*rules, defaults=defaults)


def found(one: Metric, **about: Any) -> Finding:
    """The one finding of one rule on one metric."""
    (verdict,) = judge(Evidence(metrics=[one]), policy(rule(**about)))
    (finding,) = verdict.findings
    assert verdict.outcome == finding.outcome
    return finding


@pytest.mark.parametrize(
    ("changes", "about", "outcome", "cause"),
    [
        ({}, {}, "pass", "evidence"),
        ({"high": 0.05}, {}, "pass", "evidence"),
        ({"high": 0.0501}, {}, "inconclusive", "insufficient_n"),
        ({"low": 0.05, "value": 0.06, "high": 0.1}, {}, "inconclusive", "insufficient_n"),
        ({"low": 0.0501, "value": 0.06, "high": 0.1}, {}, "fail", "evidence"),
        ({"low": None}, {}, "pass", "evidence"),
        ({"high": None}, {}, "inconclusive", "insufficient_n"),
        ({"low": None, "high": None}, {}, "inconclusive", "insufficient_n"),
        ({"missing": 4}, {}, "pass", "evidence"),
        ({"missing": 5}, {}, "inconclusive", "unscored"),
        ({"missing": 5}, {"max_unscored": 0.03}, "pass", "evidence"),
        ({"missing": 1}, {"max_unscored": 0.0}, "inconclusive", "unscored"),
        ({"missing": 5, "low": 0.06, "high": 0.1}, {}, "fail", "evidence"),
        ({}, {"n_min": 200}, "pass", "evidence"),
        ({}, {"n_min": 201}, "inconclusive", "insufficient_n"),
        ({"value": None, "low": None, "high": None, "cause": "undefined"}, {},
         "inconclusive", "undefined"),
        ({"cause": "no_spread"}, {}, "inconclusive", "no_spread"),
        ({"value": None}, {}, "inconclusive", "error"),
        ({"n": 0, "missing": 200, "value": None, "low": None, "high": None,
          "cause": "unscored"}, {}, "inconclusive", "unscored"),
        ({}, {"op": ">=", "value": 0.01}, "pass", "evidence"),
        ({}, {"op": ">=", "value": 0.011}, "inconclusive", "insufficient_n"),
        ({}, {"op": ">=", "value": 0.041}, "fail", "evidence"),
        ({}, {"confidence": 0.99}, "inconclusive", "missing_metric"),
    ],
)  # fmt: skip
def test_a_bound_decides(
    changes: dict[str, Any], about: dict[str, Any], outcome: str, cause: str
) -> None:
    finding = found(metric(**changes), **about)
    assert (finding.outcome, finding.cause) == (outcome, cause)
    assert finding.message


@pytest.mark.parametrize(
    ("changes", "outcome", "cause"),
    [
        ({"high": 0.9}, "pass", "evidence"),
        ({"value": 0.06, "high": 0.9}, "fail", "evidence"),
        ({"missing": 1}, "inconclusive", "unscored"),
        ({"missing": 1, "value": 0.06}, "inconclusive", "unscored"),
        ({"n": 99}, "inconclusive", "insufficient_n"),
        ({"n": 99, "value": 0.06}, "inconclusive", "insufficient_n"),
        ({"value": None}, "inconclusive", "error"),
    ],
)
def test_a_point_decides_only_where_a_rule_asks_for_it(
    changes: dict[str, Any], outcome: str, cause: str
) -> None:
    finding = found(metric(**changes), decide="point", n_min=100)
    assert (finding.outcome, finding.cause) == (outcome, cause)


@pytest.mark.parametrize(
    ("changes", "outcome", "cause"),
    [
        ({"value": 0.0, "low": 0.0, "high": 0.0}, "pass", "evidence"),
        ({"value": 1.0, "low": 1.0, "high": 1.0}, "fail", "evidence"),
        ({"value": 0.0, "low": 0.0, "high": None, "missing": 1, "cause": "unscored"},
         "inconclusive", "unscored"),
        ({"value": 2.0, "low": 2.0, "high": None, "missing": 1, "cause": "unscored"},
         "fail", "evidence"),
        ({"value": 0.0, "low": 0.0, "high": 0.01}, "inconclusive", "insufficient_n"),
    ],
)  # fmt: skip
def test_an_exact_count_must_be_exact(
    changes: dict[str, Any], outcome: str, cause: str
) -> None:
    finding = found(metric(kind="Count", **changes), op="==", value=0)
    assert (finding.outcome, finding.cause, finding.needed) == (outcome, cause, None)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("op", ["<=", ">=", "=="])
@pytest.mark.parametrize("decide", [{}, {"decide": "point", "n_min": 1}])
def test_a_number_that_is_not_finite_never_passes(
    bad: float, op: str, decide: dict[str, Any]
) -> None:
    for fields in ("value",), ("value", "low", "high"):
        finding = found(metric(**dict.fromkeys(fields, bad)), op=op, **decide)
        assert finding.outcome != "pass"


def test_no_metric_at_all_is_inconclusive() -> None:
    assert judge(Evidence(metrics=[]), policy(rule())) == ()
    assert overall([]) == "inconclusive"


def test_a_missing_metric_is_named_with_its_near_neighbour() -> None:
    finding = found(metric(), metric="toxicity.rates")
    assert (finding.outcome, finding.cause) == ("inconclusive", "missing_metric")
    assert "did you mean 'toxicity.rate'?" in finding.message


SLICED = [
    metric(),
    metric(slice="lang=en", n=100),
    metric(slice="lang=zh", n=60, low=0.06, value=0.1, high=0.2),
    metric(slice="topic=pay"),
]


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ({"by": "lang"}, {"lang=en": "pass", "lang=zh": "fail"}),
        ({"by": "lang", "only": ["en"]}, {"lang=en": "pass"}),
        ({"by": "lang", "only": ["en"], "min_n": 101}, {"lang=en": "inconclusive"}),
        ({"by": "lang", "only": ["en", "de"]}, {"lang=en": "pass", "lang=de": "inconclusive"}),
        ({"by": "lang", "only": ["de"], "on_empty": "fail"}, {"lang=de": "fail"}),
        ({"by": "colour"}, {"colour=?": "inconclusive"}),
        ({"by": "colour", "on_empty": "fail"}, {"colour=?": "fail"}),
        ({"by": "lan"}, {"lan=?": "inconclusive"}),
    ],
)
def test_slices_are_judged_one_by_one_and_an_empty_one_never_passes(
    slices: dict[str, Any], expected: dict[str, str]
) -> None:
    slices = {k: tuple(v) if isinstance(v, list) else v for k, v in slices.items()}
    (verdict,) = judge(Evidence(metrics=SLICED), policy(rule(slices=slices)))
    assert {f.slice: f.outcome for f in verdict.findings} == expected
    assert verdict.outcome == overall([f.outcome for f in verdict.findings])


@pytest.mark.parametrize("severity", ["warn", "observe"])
@pytest.mark.parametrize("broken", ["fail", "inconclusive"])
def test_what_cannot_block_is_listed_and_changes_nothing(severity: str, broken: str) -> None:
    limit = 0.001 if broken == "fail" else 0.03
    rules = policy(rule("a"), rule("b", value=limit, severity=severity))
    (verdict,) = judge(Evidence(metrics=[metric()]), rules)
    assert verdict.outcome == "pass"
    assert [(f.rule, f.outcome) for f in verdict.findings] == [("a", "pass"), ("b", broken)]


def test_a_pass_that_cannot_block_does_not_make_a_pass() -> None:
    rules = policy(rule("a", metric="absent.rate"), rule("b", severity="warn"))
    assert judge(Evidence(metrics=[metric()]), rules)[0].outcome == "inconclusive"


def test_a_legal_rule_blocks() -> None:
    assert (
        judge(Evidence(metrics=[metric()]), policy(rule(value=0.001, severity="legal")))[
            0
        ].outcome
        == "fail"
    )


def test_each_arm_gets_its_own_verdict() -> None:
    worse = metric(strategy="t", low=0.06, value=0.1, high=0.2)
    verdicts = judge(Evidence(metrics=[worse, metric()]), policy(rule()))
    assert [(v.strategy, v.outcome) for v in verdicts] == [("s", "pass"), ("t", "fail")]


def test_every_confidence_a_policy_needs_is_asked_for() -> None:
    rules = policy(rule("a"), rule("b", confidence=0.99), rule("c"), confidence=0.9)
    assert confidences(rules) == (0.9, 0.99)


@settings(deadline=None)
@given(st.lists(OUTCOMES, max_size=8))
def test_the_overall_outcome_is_the_worst_and_a_pass_needs_a_pass(
    outcomes: list[Outcome],
) -> None:
    said = overall(outcomes)
    assert said == overall(outcomes[::-1])
    assert (said == "fail") == ("fail" in outcomes)
    assert said != "pass" or ("pass" in outcomes and "inconclusive" not in outcomes)
    assert overall([*outcomes, "fail"]) == "fail"
    assert overall([*outcomes, "inconclusive"]) != "pass"


METRICS = st.builds(
    lambda low, width, up, n, missing, strategy, label: metric(
        low=low, value=low + width, high=low + width + up, n=n, missing=missing,
        strategy=strategy, slice=label,
    ),
    st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 0.3), st.integers(1, 400),
    st.integers(0, 20), st.sampled_from("st"), st.sampled_from(["all", "lang=en", "lang=zh"]),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(METRICS, max_size=6, unique_by=lambda m: (m.strategy, m.slice)), st.randoms())
def test_the_order_of_metrics_never_matters(metrics: list[Metric], random: Any) -> None:
    rules = policy(rule("a"), rule("b", slices={"by": "lang"}), rule("c", op=">=", value=0.1))
    shuffled = metrics.copy()
    random.shuffle(shuffled)
    assert judge(Evidence(metrics=shuffled), rules) == judge(Evidence(metrics=metrics), rules)


@settings(deadline=None)
@given(METRICS, st.integers(1, 50), st.sampled_from(["<=", ">=", "=="]), st.booleans())
def test_more_missing_scores_beside_the_same_bounds_never_make_a_pass(
    one: Metric, more: int, op: str, point: bool
) -> None:
    one = dataclasses.replace(one, slice="all")
    about: dict[str, Any] = {"op": op, "value": 0.2}
    about |= {"decide": "point", "n_min": 1} if point else {}
    if found(one, **about).outcome != "pass":
        less = dataclasses.replace(one, missing=one.missing + more)
        assert found(less, **about).outcome != "pass"


def judged(bad: list[bool], prompts: list[int], missing: list[int], op: str) -> str:
    """Estimate a rate from its rows, and judge it with every score allowed to be missing."""
    seen = {"bad": np.array(bad, dtype=bool)}
    lost = np.array(missing, dtype=np.int64)
    rows = np.array(prompts, dtype=np.int64)
    e = estimate(RATE, seen, rows, missing=lost, confidence=0.95)
    one = metric(
        value=e.value, low=e.low, high=e.high, n=e.n, missing=e.missing, clusters=e.clusters
    )
    return found(one, op=op, value=0.3, max_unscored=1.0).outcome


ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), min_size=1, max_size=60)


@settings(deadline=None)
@given(
    ROWS, st.lists(st.integers(0, 40), min_size=1, max_size=5), st.sampled_from(["<=", ">="])
)
def test_adding_missing_scores_never_turns_a_non_pass_into_a_pass(
    rows: list[tuple[bool, int]], missing: list[int], op: str
) -> None:
    bad, prompts = [row[0] for row in rows], [row[1] for row in rows]
    if judged(bad, prompts, [], op) != "pass":
        assert judged(bad, prompts, missing, op) != "pass"


@settings(deadline=None)
@given(ROWS, st.data(), st.sampled_from(["<=", ">="]))
def test_losing_scores_never_turns_a_non_pass_into_a_pass(
    rows: list[tuple[bool, int]], data: st.DataObject, op: str
) -> None:
    lost = data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))
    kept = [row for i, row in enumerate(rows) if i not in lost]
    whole = judged([row[0] for row in rows], [row[1] for row in rows], [], op)
    if whole != "pass" and kept:
        missing = [rows[i][1] for i in sorted(lost)]
        part = judged([row[0] for row in kept], [row[1] for row in kept], missing, op)
        assert part != "pass"
