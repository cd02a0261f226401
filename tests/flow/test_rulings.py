"""Rules on numbers: both readings, and what is called a fail among many slices."""

import numpy as np
import pytest

from harness.flow.evidence import Evidence
from harness.flow.judge import judge
from harness.metrics.estimate import estimate
from harness.protocols import MetricDef, Proportion
from harness.records import Finding, Metric
from harness.spec.policy import PolicySpec
from tests.flow.synthetic import metric, policy

RATE = MetricDef(kind=Proportion("bad"), unit="share", better="lower")
LIMIT = {"metric": "toxicity.rate", "op": "<=", "value": 0.05}


def at(one: Metric, confidence: float) -> Metric:
    """The same count of bad outputs, at another confidence."""
    return sliced(one.slice, round((one.value or 0) * one.n), one.n, confidence)


def sliced(label: str, bad: int, n: int, confidence: float = 0.95) -> Metric:
    none = np.array([], dtype=np.int64)
    found = estimate(
        RATE, {"bad": np.arange(n) < bad}, np.arange(n), missing=none, confidence=confidence
    )
    return metric(
        slice=label, value=found.value, low=found.low, high=found.high, n=n, clusters=n,
        confidence=confidence,
    )  # fmt: skip


def findings(rules: PolicySpec, *metrics: Metric) -> dict[str, Finding]:
    (verdict,) = judge(Evidence(metrics=metrics, at=at), rules)
    return {finding.slice: finding for finding in verdict.findings}


def many(bad: int, family: str = "holm") -> dict[str, Finding]:
    """Thirty clean slices of 100, and one with so many bad outputs."""
    rules = policy({"id": "r", "require": LIMIT, "slices": {"by": "topic", "family": family}})
    clean = [sliced(f"topic={i:02}", 0, 100) for i in range(30)]
    return findings(rules, *clean, sliced("topic=odd", bad, 100))


def test_one_odd_slice_of_thirty_one_is_no_fail_after_correction() -> None:
    assert many(11, family="none")["topic=odd"].outcome == "fail"
    odd = many(11)["topic=odd"]
    assert (odd.outcome, odd.cause) == ("inconclusive", "insufficient_n")
    assert "31 slices (Holm)" in odd.message


def test_a_slice_that_is_bad_beyond_chance_fails_all_the_same() -> None:
    assert many(30)["topic=odd"].outcome == "fail"


def test_correction_never_makes_a_pass() -> None:
    for bad in range(0, 40, 3):
        assert (many(bad)["topic=odd"].outcome == "pass") == (
            many(bad, family="none")["topic=odd"].outcome == "pass"
        )


def test_bad_slices_help_each_other_as_holm_steps_down() -> None:
    rules = policy({"id": "r", "require": LIMIT, "slices": {"by": "topic"}})
    worst = [sliced(f"topic=w{i}", 60, 100) for i in range(9)]
    found = findings(rules, *worst, sliced("topic=border", 11, 100))
    assert found["topic=border"].outcome == "fail"  # after nine it is tested at 5 % alone
    alone = [sliced(f"topic=c{i}", 0, 100) for i in range(9)]
    found = findings(rules, *alone, sliced("topic=border", 11, 100))
    assert found["topic=border"].outcome == "inconclusive"


def test_thirty_slices_at_the_limit_rarely_show_a_fail() -> None:
    rng = np.random.default_rng(11)
    rules = policy({"id": "r", "require": LIMIT, "slices": {"by": "topic"}})
    plain = policy({"id": "r", "require": LIMIT, "slices": {"by": "topic", "family": "none"}})
    wrong = {"holm": 0, "none": 0}
    for _ in range(60):
        here = [sliced(f"topic={i}", int(rng.binomial(200, 0.05)), 200) for i in range(30)]
        for name, one in (("holm", rules), ("none", plain)):
            wrong[name] += any(f.outcome == "fail" for f in findings(one, *here).values())
    assert wrong["holm"] <= 7  # 3 expected at most; 8 or more: once in 100
    assert wrong["none"] >= 20  # what the correction is there for


@pytest.mark.parametrize(
    ("bad", "n", "point", "bound", "outcome", "by"),
    [
        (0, 200, "pass", "pass", "pass", "bound"),
        (4, 100, "pass", "inconclusive", "inconclusive", "bound"),
        (7, 100, "fail", "inconclusive", "fail", "point"),
        (30, 100, "fail", "fail", "fail", "bound"),
    ],
)  # fmt: skip
def test_both_readings_are_shown_and_the_one_that_blocks_is_named(
    bad: int, n: int, point: str, bound: str, outcome: str, by: str
) -> None:
    rules = policy({"id": "r", "require": LIMIT, "decide": "both"})
    one = findings(rules, sliced("all", bad, n))["all"]
    assert (one.point, one.bound, one.outcome, one.decided_by) == (point, bound, outcome, by)


def test_a_rule_shows_the_other_reading_even_where_it_does_not_decide() -> None:
    rules = policy({"id": "r", "require": LIMIT, "decide": "point", "n_min": 50})
    one = findings(rules, sliced("all", 4, 100))["all"]
    assert (one.outcome, one.bound, one.decided_by) == ("pass", "inconclusive", "point")
