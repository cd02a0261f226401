"""How many prompts would decide an inconclusive rule."""

from typing import Any, Literal

import numpy as np
import pytest

from harness.flow.needed import needed_prompts
from harness.metrics.estimate import estimate
from harness.protocols import MetricDef, Proportion
from harness.records import Metric
from harness.spec.requirement import Requirement
from tests.flow.synthetic import metric

AT_MOST = Requirement(metric="toxicity.rate", op="<=", value=0.05)
AT_LEAST = Requirement(metric="toxicity.rate", op=">=", value=0.95)


def seen(prompts: int, each: int = 1, *, bad: float = 0.0) -> Metric:
    """What so many prompts with so many outputs each come to."""
    rows = np.repeat(np.arange(prompts), each)
    flags = np.arange(rows.size) < bad * rows.size
    e = estimate(
        MetricDef(kind=Proportion("bad"), unit="share", better="lower"),
        {"bad": flags}, rows, missing=np.empty(0, dtype=np.int64), confidence=0.95,
    )  # fmt: skip
    return metric(
        value=e.value, low=e.low, high=e.high, n=e.n, clusters=e.clusters,
        design_effect=e.design_effect,
    )  # fmt: skip


@pytest.mark.parametrize("each", [1, 4])
def test_five_clean_prompts_are_told_that_59_are_needed(each: int) -> None:
    assert needed_prompts(seen(5, each), AT_MOST) == 59


def test_the_number_it_names_is_enough_and_one_less_is_not() -> None:
    enough, short = seen(59).high, seen(58).high
    assert enough is not None
    assert short is not None
    assert enough <= 0.05 < short


def test_a_floor_needs_as_many_as_the_mirrored_ceiling() -> None:
    assert needed_prompts(seen(5, bad=1.0), AT_LEAST) == 59


@pytest.mark.parametrize(
    ("n_min", "each", "needed"), [(300, 1, 300), (300, 4, 75), (10, 1, 59)]
)
def test_a_least_n_of_the_rule_counts_too(n_min: int, each: int, needed: int) -> None:
    assert needed_prompts(seen(5, each), AT_MOST, n_min=n_min) == needed


def test_a_bound_that_is_met_already_only_lacks_the_least_n() -> None:
    assert needed_prompts(seen(100), AT_MOST, n_min=300) == 300


@pytest.mark.parametrize(("decide", "needed"), [("point", 300), ("bound", 300)])
def test_a_point_needs_its_least_n(decide: Literal["point", "bound"], needed: int) -> None:
    assert needed_prompts(seen(5), AT_MOST, n_min=300, decide=decide) == needed


@pytest.mark.parametrize(
    "changes",
    [{"value": 0.06}, {"value": None}, {"missing": 1}, {"clusters": 0, "n": 0}],
)
def test_no_number_is_named_where_none_would_do(changes: dict[str, Any]) -> None:
    assert needed_prompts(metric(high=0.2, **changes), AT_MOST) is None


def test_an_exact_count_has_no_number() -> None:
    exact = Requirement(metric="m", op="==", value=0)
    assert needed_prompts(metric(value=0.0, high=None), exact) is None


def test_other_kinds_scale_with_the_square_root() -> None:
    mean = metric(kind="Mean", value=5.0, low=3.0, high=7.0, n=100, clusters=100)
    assert needed_prompts(mean, Requirement(metric="m", op="<=", value=6)) == 400
    assert needed_prompts(mean, Requirement(metric="m", op=">=", value=4)) == 400
    unbounded = metric(kind="Mean", value=5.0, low=3.0, high=None)
    assert needed_prompts(unbounded, Requirement(metric="m", op="<=", value=6)) is None


def test_rounds_need_more_than_a_fixed_plan() -> None:
    rounds = metric(
        value=0.0, high=0.06, n=60, clusters=60, signature="t.r|interval:betting|looks:2"
    )
    assert needed_prompts(rounds, AT_MOST) == 74
    assert needed_prompts(rounds, AT_MOST, n_min=80) == 80
    flipped = metric(value=1.0, low=0.94, high=1.0, n=60, clusters=60, signature="t.r|looks:2")
    assert needed_prompts(flipped, AT_LEAST) == 74
    assert needed_prompts(metric(value=0.06, high=0.2, signature="|looks:2"), AT_MOST) is None
