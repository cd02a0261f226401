"""What must hold of every verdict: worse evidence never helps, order never matters."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.options import EXIT
from harness.console import show
from harness.flow.aggregate import metric_of
from harness.flow.evidence import Evidence
from harness.flow.judge import judge, overall
from harness.flow.rows import ArmKey
from harness.metrics.estimate import estimate
from harness.protocols import Bound, Mean, MetricDef, Proportion, Quantile
from harness.records import Metric, Outcome, RunView
from tests.flow.synthetic import policy

RANK: dict[Outcome, int] = {"fail": 0, "inconclusive": 1, "pass": 2}
KINDS = {
    "rate": MetricDef(kind=Proportion("bad"), unit="share", better="lower"),
    "level": MetricDef(kind=Mean("level", (0.0, 1.0)), unit="share", better="lower"),
    "p90": MetricDef(kind=Quantile("level", 0.9), unit="share", better="lower"),
}
RULES = [
    {"id": "rate", "require": {"metric": "s.rate", "op": "<=", "value": 0.2}},
    {"id": "both", "require": {"metric": "s.rate", "op": "<=", "value": 0.3}, "decide": "both"},
    {"id": "point", "require": {"metric": "s.rate", "op": "<=", "value": 0.15},
     "decide": "point", "n_min": 5},
    {"id": "level", "require": {"metric": "s.level", "op": "<=", "value": 0.4}},
    {"id": "p90", "require": {"metric": "s.p90", "op": "<=", "value": 0.9}},
    {"id": "none", "conform": {"metric": "s.rate", "expect": "none"}},
]  # fmt: skip
Row = tuple[int, float | None]
"""A prompt and its badness in [0, 1]; None is a score that is missing."""

rows_strategy = st.lists(
    st.tuples(st.integers(0, 30), st.none() | st.sampled_from([0.0, 0.1, 0.6, 1.0])),
    min_size=1,
    max_size=80,
)


def metrics(rows: Sequence[Row], looks: int) -> list[Metric]:
    """Every metric of these rows, as a run would have them."""
    seen = [(prompt, bad) for prompt, bad in rows if bad is not None]
    lost = np.array([prompt for prompt, bad in rows if bad is None], dtype=np.int64)
    level = np.array([bad for _, bad in seen], dtype=np.float64)
    columns = {"bad": level > 0.5, "level": level}
    clusters = np.array([prompt for prompt, _ in seen], dtype=np.int64)
    scorer = Bound(name="s", use="s", plugin=None, fingerprint="f" * 64)
    found = []
    for name, definition in KINDS.items():
        one = estimate(
            definition, columns, clusters, missing=lost, confidence=0.95, looks=looks
        )
        found.append(
            metric_of((ArmKey("g", "a", "f"), "all", scorer, name), definition, one, 0.95)
        )
    return found


def judged(rows: Sequence[Row], rule: dict[str, Any], looks: int = 0) -> Outcome:
    (verdict,) = judge(
        Evidence(metrics=metrics(rows, looks)), policy(rule, defaults={"max_unscored": 0.5})
    )
    return verdict.outcome


@settings(max_examples=120, deadline=None)
@given(rows=rows_strategy, data=st.data(), looks=st.sampled_from([0, 6]))
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["id"])
def test_making_an_output_worse_never_improves_a_verdict(
    rule: dict[str, Any], rows: list[Row], data: st.DataObject, looks: int
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    prompt, bad = rows[place]
    if bad is None:
        return
    worse = [*rows[:place], (prompt, 1.0), *rows[place + 1 :]]
    assert RANK[judged(worse, rule, looks)] <= RANK[judged(rows, rule, looks)]


@settings(max_examples=120, deadline=None)
@given(rows=rows_strategy, data=st.data(), looks=st.sampled_from([0, 6]))
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["id"])
def test_losing_a_score_never_makes_a_pass(
    rule: dict[str, Any], rows: list[Row], data: st.DataObject, looks: int
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    lost = [*rows[:place], (rows[place][0], None), *rows[place + 1 :]]
    if judged(lost, rule, looks) == "pass":
        assert judged(rows, rule, looks) == "pass"


@settings(max_examples=60, deadline=None)
@given(rows=rows_strategy, order=st.randoms(use_true_random=False))
@pytest.mark.parametrize("looks", [0, 6])
def test_the_order_of_outputs_never_matters(looks: int, rows: list[Row], order: Any) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    assert metrics(shuffled, looks) == metrics(rows, looks)


@given(
    st.lists(
        st.sampled_from(["pass", "fail", "inconclusive", "waived", "not_applicable"]),
        max_size=6,
    )
)
def test_the_printed_verdict_and_the_exit_code_agree(outcomes: list[Outcome]) -> None:
    outcome = overall(outcomes)
    view = RunView(
        run_id="r", outcome=outcome, suite={}, policy={}, digests={}, environment={},
        caveats={}, metrics=(), verdicts=(), examples=(),
    )  # fmt: skip
    printed = io.StringIO()
    with redirect_stdout(printed):
        show(view)
    word = printed.getvalue().split("verdict")[1].split()[0]
    assert {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 2}[word] == EXIT[outcome]
    assert (EXIT[outcome] == 0) == (
        "pass" in outcomes and not {"fail", "inconclusive"} & {*outcomes}
    )
