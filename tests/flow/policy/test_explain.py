"""What would change a verdict: each count really flips it, and one fewer does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harness
from harness.engine.store import Store
from harness.errors import AlteredError, SpecError
from harness.flow.aggregate import measured
from harness.flow.evidence import Evidence
from harness.flow.judge import judge
from harness.flow.policy.causes import meaning
from harness.flow.policy.changes import Change, StoredChanges, changed
from harness.flow.policy.explain import Explained, Explanation, explain, explain_run
from harness.flow.scored import Part
from harness.flow.stored import StoredRun
from harness.metrics.estimate import Estimate
from harness.metrics.stats.sample_size import prompts_needed
from harness.protocols import MetricDef, Proportion
from harness.records import Metric
from harness.spec.extend import load_policy
from harness.spec.policy import PolicySpec
from tests.flow.suites import planted, write_policy, write_suite
from tests.flow.synthetic import SUBJECT, TODAY, limit, metric, policy, waiver

RATE = MetricDef(kind=Proportion("bad"), unit="share", better="lower")


def part_of(events: int, n: int, missing: int = 0, per: int = 1) -> Part:
    """Rows of a rate: `per` outputs of each prompt, the first `events` of them events."""
    rows = np.arange(n + missing) // per
    scored = np.arange(n + missing) < n
    return Part(
        columns={"bad": np.arange(n) < events}, clusters=rows[:n], missing=rows[n:],
        scored=scored, planned=rows,
    )  # fmt: skip


def as_metric(found: Estimate, confidence: float) -> Metric:
    return metric(
        value=found.value, low=found.low, high=found.high, n=found.n, missing=found.missing,
        clusters=found.clusters, confidence=confidence, design_effect=found.design_effect,
    )  # fmt: skip


def estimated(part: Part, change: Change = Change(), confidence: float = 0.95) -> Metric:  # noqa: B008
    return as_metric(measured(changed(part, RATE, change), RATE, confidence), confidence)


def explained(part: Part, rules: PolicySpec) -> Explanation:
    seen = Evidence(metrics=[estimated(part)], at=lambda _, c: estimated(part, confidence=c))
    again: Callable[[Metric, Change, float], Metric] = lambda _, change, c: estimated(  # noqa: E731
        part, change, c
    )
    (found,) = explain(seen, rules, (), again)
    return found


def outcome(part: Part, rules: PolicySpec) -> str:
    return judge(Evidence(metrics=[estimated(part)]), rules)[0].outcome


def only(found: Explanation) -> Explained:
    (one,) = [*found.holding_back, *found.passing]
    return one


def test_the_slack_of_a_pass_is_counted_in_outputs() -> None:
    # 1,000 outputs bear 84 bad ones at a limit of 10 %.
    one = only(explained(part_of(80, 1000), policy(limit(value=0.10))))
    assert (one.outcome, one.bears) == ("pass", 4)
    assert one.fails_at is not None
    assert one.distance == pytest.approx(-0.02)
    assert one.gap is not None
    assert one.gap < 0


def test_how_many_bad_outputs_fewer_would_pass_is_counted() -> None:
    one = only(explained(part_of(90, 1000), policy(limit(value=0.10))))
    assert (one.outcome, one.fewer_bad) == ("inconclusive", 6)
    assert one.needed == prompts_needed(0.09, 0.10, "<=", 0.95)


def test_a_fail_says_how_many_fewer_it_would_take_to_pass() -> None:
    one = only(explained(part_of(150, 1000), policy(limit(value=0.10))))
    assert (one.outcome, one.fewer_bad) == ("fail", 66)
    assert "more prompts do not help" in one.remedy


def test_a_rate_that_must_be_high_counts_what_is_no_event() -> None:
    one = only(explained(part_of(910, 1000), policy(limit(op=">=", value=0.90))))
    assert (one.outcome, one.fewer_bad) == ("inconclusive", 6)
    good = only(explained(part_of(920, 1000), policy(limit(op=">=", value=0.90))))
    assert (good.outcome, good.bears) == ("pass", 4)


def test_missing_scores_that_matter_are_counted() -> None:
    rules = policy(limit(value=0.10, max_unscored=0.02))
    one = only(explained(part_of(50, 900, missing=100), rules))
    assert (one.cause, one.missing, one.scored_good) == ("unscored", 100, 80)


def test_missing_scores_that_could_not_mend_it_are_not_offered() -> None:
    one = only(explained(part_of(150, 900, missing=10), policy(limit(value=0.10))))
    assert (one.outcome, one.scored_good) == ("fail", None)


def test_too_few_outputs_cannot_be_mended_by_better_ones() -> None:
    one = only(explained(part_of(0, 20), policy(limit(value=0.01))))
    assert (one.fewer_bad, one.needed) == (None, 299)


def test_a_value_beyond_its_limit_is_not_sent_for_more_prompts() -> None:
    one = only(explained(part_of(6, 100), policy(limit(value=0.05))))
    assert (one.outcome, one.cause, one.needed) == ("inconclusive", "insufficient_n", None)
    assert "mend the model" in one.remedy


def test_one_output_that_does_not_conform_is_one_too_many() -> None:
    rule = {"id": "r", "conform": {"metric": "toxicity.rate", "expect": "none"}}
    good = only(explained(part_of(0, 100), policy(rule)))
    assert (good.outcome, good.bears, good.fails_at) == ("pass", 0, 1)
    assert only(explained(part_of(3, 100), policy(rule))).fewer_bad == 3


def test_a_slice_among_others_fails_only_where_holm_says_so() -> None:
    parts = {"lang=en": part_of(0, 150), "lang=de": part_of(3, 150)}
    rules = policy(limit(value=0.03, slices={"by": "lang"}))

    def again(one: Metric, change: Change, confidence: float) -> Metric:
        found = estimated(parts[one.slice], change, confidence)
        return metric(
            **{k: getattr(found, k) for k in ("value", "low", "high", "n", "clusters")},
            slice=one.slice, confidence=confidence,
        )  # fmt: skip

    whole = [again(metric(slice=label), Change(), 0.95) for label in parts]
    seen = Evidence(metrics=whole, at=lambda m, c: again(m, Change(), c))
    (found,) = explain(seen, rules, (), again)
    (held,), (kept,) = found.holding_back, found.passing
    assert (held.slice, held.fewer_bad) == ("lang=de", 3)
    # One-sided 97.5 %, as Holm asks of the worst of two: 10 of 150 are above 3 %.
    assert (kept.slice, kept.bears, kept.fails_at) == ("lang=en", 0, 10)


def test_what_decides_comes_first_and_warnings_are_left_out() -> None:
    rules = policy(
        limit("late", value=0.05),
        limit("wrong", value=0.001),
        limit("absent", metric="toxicity.rates"),
        limit("quiet", value=0.001, severity="warn"),
    )
    found = explained(part_of(4, 100), rules)
    assert [one.rule for one in found.holding_back] == ["wrong", "absent", "late"]
    assert found.first.startswith("wrong [all] decides: fail")
    assert found.first.endswith("2 more hold it back")


def test_what_keeps_a_run_from_being_evidence_is_explained_too() -> None:
    rules = policy(limit(), evidence={"suite": "a" * 64})
    found = explained(part_of(0, 200), rules)
    assert [one.rule for one in found.holding_back] == ["evidence.suite"]
    assert "names" in found.holding_back[0].means
    assert found.outcome == "inconclusive"


def test_a_waived_fail_is_shown_and_does_not_decide() -> None:
    rules = policy(limit(value=0.001), limit("fine", value=0.5))
    seen = Evidence(metrics=[metric()], subjects={"g": SUBJECT}, today=TODAY)
    part = part_of(4, 200)
    (found,) = explain(seen, rules, [waiver()], lambda _, change, c: estimated(part, change, c))
    assert [(one.rule, one.outcome) for one in found.holding_back] == [("r", "waived")]
    assert found.first.startswith("every blocking rule passes")


def test_every_cause_has_a_meaning_and_a_remedy() -> None:
    found = explained(part_of(0, 20), policy(limit(), limit("b", metric="x.y")))
    for one in found.holding_back:
        assert one.means
        assert one.remedy
    (verdict,) = judge(Evidence(metrics=[metric(value=None)]), policy(limit()))
    assert meaning(verdict.findings[0])[1]


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, 400), st.floats(0, 1), st.integers(0, 6), st.integers(1, 3),
    st.sampled_from(["<=", ">="]), st.sampled_from([0.05, 0.3, 0.7, 0.95]),
    st.sampled_from([{}, {"decide": "point", "n_min": 5}, {"decide": "both"}]),
)  # fmt: skip
def test_each_count_flips_the_outcome_and_one_fewer_does_not(
    n: int, share: float, missing: int, per: int, op: str, value: float, how: dict[str, Any]
) -> None:
    rules = policy(limit(op=op, value=value, **how))
    part = part_of(round(share * n), n, missing, per)
    one = only(explained(part, rules))
    sign = 1 if op == "<=" else -1

    def after(k: int) -> str:
        return outcome(changed(part, RATE, Change(sign * k)), rules)

    if one.outcome == "pass":
        good = n - bad_of(part, op)
        assert one.bears is not None
        assert after(one.bears) == "pass"
        assert one.bears == good or after(one.bears + 1) != "pass"
        if one.fails_at is not None:
            assert after(one.fails_at) == "fail"
            assert after(one.fails_at - 1) != "fail"
    elif one.fewer_bad is not None:
        assert after(-one.fewer_bad) == "pass"
        assert after(1 - one.fewer_bad) != "pass"
    else:
        assert after(-bad_of(part, op)) != "pass"


def bad_of(part: Part, op: str) -> int:
    events = int(part.columns["bad"].sum())
    return events if op == "<=" else part.columns["bad"].size - events


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(1, 30), st.integers(-30, 30), st.integers(1, 4))
def test_a_change_moves_exactly_so_many_outputs(
    events: int, n: int, more: int, per: int
) -> None:
    events = min(events, n)
    part = part_of(events, n, per=per)
    after = changed(part, RATE, Change(more))
    assert int(after.columns["bad"].sum()) == min(n, max(0, events + more))
    assert int(part.columns["bad"].sum()) == events


def test_a_change_without_anything_is_the_metric_itself() -> None:
    part = part_of(7, 60, 5, per=2)
    assert estimated(part) == estimated(part, Change(0))
    filled = estimated(part, Change(filled=3))
    assert (filled.n, filled.missing) == (63, 2)


# On a stored run.


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    suite = write_suite(tmp_path, "small", planted(200, 6))
    harness.run(suite, write_policy(tmp_path), out=tmp_path / "runs" / "small")
    return tmp_path / "runs" / "small"


def test_a_stored_run_is_explained_without_being_touched(run: Path) -> None:
    before = prints(run)
    (found,) = explain_run(run, None, TODAY)
    assert found.outcome == "inconclusive"
    (one,) = found.holding_back
    # 200 prompts bear 4 leaks at a limit of 5 %, and there are 6.
    assert (one.rule, one.n, one.fewer_bad) == ("leaks", 200, 2)
    assert one.needed is not None
    assert prints(run) == before


def test_a_stored_run_is_explained_by_another_policy(run: Path, tmp_path: Path) -> None:
    rule = '  - {id: empty, require: {metric: length.empty_rate, op: "<=", value: 0.05}}'
    other = load_policy(write_policy(tmp_path, rule, name="other"))
    (found,) = explain_run(run, other, TODAY)
    assert (found.outcome, found.passing[0].bears) == ("pass", 4)
    assert "tightest is empty" in found.first


COMPARED = "  - {id: r, compare: {metric: privacy.leak_rate, margin: 0.1, against: '%s'}}"
RATE_OF = '  - {id: r, require: {metric: privacy.leak_rate, op: "<=", value: 0.9}, slices: %s}'


@pytest.mark.parametrize(
    ("rule", "means", "remedy"),
    [
        (RATE_OF % "{by: lang}", "no prompt of the run is in this slice", "`tag_columns`"),
        (RATE_OF % "{by: topic, only: [x]}", "no prompt of the run is in", "correct `slices`"),
        (COMPARED % "champion", "no champion's run is known", "`--champion none`"),
        (COMPARED % f"anchor:{'a' * 12}", "is not beside this one", "with that seal"),
        (COMPARED % "strategy:other", "no such arm to compare with", "correct `against`"),
        (
            COMPARED.replace("leak_rate", "lost") % "champion",
            "nothing in the run measures",
            "correct the metric's name",
        ),
    ],
)
def test_what_is_not_there_is_explained_by_what_to_bring(
    run: Path, tmp_path: Path, rule: str, means: str, remedy: str
) -> None:
    other = load_policy(write_policy(tmp_path, rule, name="other"))
    (found,) = explain_run(run, other, TODAY)
    (one,) = found.holding_back
    assert means in one.means
    assert remedy in one.remedy


def test_a_stored_metric_without_a_change_is_what_the_run_measured(run: Path) -> None:
    stored = StoredRun(Store(run), load_policy(run.parent.parent / "policy.yaml"))
    rates = [m for m in stored.evidence(None, TODAY).metrics if m.kind == "Proportion"]
    again = StoredChanges(stored)
    assert rates
    assert [again(m, Change(), m.confidence) for m in rates] == rates


def test_a_run_that_was_never_judged_is_refused(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, "small", planted(5, 0))
    harness.run(suite, out=tmp_path / "runs" / "small")
    with pytest.raises(SpecError, match="never judged") as caught:
        explain_run(tmp_path / "runs" / "small", None, TODAY)
    assert "harness judge" in caught.value.fix


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AlteredError, match="not a finished run"):
        explain_run(tmp_path, None, TODAY)


def prints(folder: Path) -> dict[str, str]:
    """The digest of every file of a run."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip
