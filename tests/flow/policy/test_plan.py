"""What a policy takes before a run, and that the judge agrees with what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.flow.evidence import Difference, Evidence, Question
from harness.flow.judge import judge
from harness.flow.policy.mutation import mutate
from harness.flow.policy.plan import Exam, Need, PolicyPlan, plan_policy
from harness.flow.policy.traits import Traits, of_installation, of_policy
from harness.flow.terms import Terms
from harness.metrics.estimate import estimate
from harness.protocols import MetricDef, Proportion
from tests.flow.plugs import plan_of
from tests.flow.synthetic import TODAY, metric, policy

BAD = MetricDef(kind=Proportion("bad"), unit="share", better="lower")


def limit(op: str = "<=", value: float = 0.05, **more: Any) -> dict[str, Any]:
    name = more.pop("metric", "length.empty_rate")
    return {"id": "r", "require": {"metric": name, "op": op, "value": value}, **more}


def needs(*rules: dict[str, Any], **keys: Any) -> tuple[Need, ...]:
    return plan_policy(policy(*rules, **keys)).needs


def with_suite(rule: dict[str, Any], prompts: int, **suite: Any) -> PolicyPlan:
    texts = [f"question {n}" for n in range(prompts)]
    return plan_policy(policy(rule), plan_of(texts, **suite))


def only(plan: PolicyPlan) -> Need:
    (need,) = plan.needs
    return need


def test_the_worked_numbers_are_shown() -> None:
    (ninety,) = needs(limit(">=", 0.9))
    (one,) = needs(limit(value=0.01))
    (tenth,) = needs(limit(value=0.001))
    assert dict(one.prompts_by_bad)[0] == 299
    assert dict(tenth.prompts_by_bad)[0] == 2995
    assert dict(ninety.prompts_by_bad) == {0: 29, 1: 46, 2: 61, 5: 103}
    assert only(with_suite(limit(">=", 0.9), 1000)).bears == 84


def test_more_attempts_take_more_prompts() -> None:
    (once,), (thrice,) = needs(limit(value=0.01)), needs(limit(value=0.01), attempts=3)
    assert thrice.confidence == pytest.approx(1 - 0.05 / 3)
    assert dict(thrice.prompts_by_bad)[0] == 408  # ln(0.05 / 3) / ln(0.99) = 407.4
    assert dict(once.prompts_by_bad)[0] == 299
    assert "3 attempts" in plan_policy(policy(limit(), attempts=3)).notes[0]


def test_a_suite_that_is_too_small_is_said_plainly() -> None:
    need = only(with_suite(limit(value=0.01), 93))
    assert (need.prompts, need.bears, need.can_pass) == (93, None, False)
    assert need.says[0] == (
        "CANNOT pass with this suite: 93 prompts; even without a bad output it takes 299"
    )
    assert {chance for _, chance in need.chances} == {0.0}


def test_a_suite_that_is_large_enough_bears_some() -> None:
    need = only(with_suite(limit(value=0.05), 125))
    assert (need.bears, need.can_pass) == (2, True)
    chances = dict(need.chances)
    assert chances[0.0] == 1.0
    assert chances[0.25] > chances[0.5] > chances[0.9] > 0.05


def test_samples_of_a_prompt_are_no_prompts() -> None:
    plan = with_suite(limit(value=0.05), 50, samples_per_prompt=8)
    assert only(plan).can_pass is False
    assert (only(plan).prompts, only(plan).outputs) == (50, 400)
    assert "hardly any evidence" in plan.notes[0]


def test_a_least_number_of_outputs_counts_samples() -> None:
    rule = limit(value=0.05, n_min=150)
    assert only(with_suite(rule, 60)).can_pass is False
    assert only(with_suite(rule, 60, samples_per_prompt=3)).can_pass is True


def test_a_slice_counts_only_its_own_prompts() -> None:
    rule = limit(value=0.05, slices={"by": "language", "only": ["en", "fr"]})
    sources = [
        {"items": [f"e{n}" for n in range(70)], "tags": {"language": "en"}},
        {"items": [f"d{n}" for n in range(90)], "tags": {"language": "de"}},
    ]
    found = plan_policy(policy(rule), plan_of([], prompts=sources)).needs
    assert [(n.slice, n.prompts, n.can_pass) for n in found] == [
        ("language=en", 70, True),
        ("language=fr", 0, False),
    ]
    assert "no prompt is tagged language=fr" in found[1].says[0]


def test_without_values_named_each_value_of_the_suite_is_planned() -> None:
    rule = limit(slices={"by": "language"})
    sources = [{"items": ["a", "b"], "tags": {"language": "en"}}, {"items": ["c"]}]
    (need,) = plan_policy(policy(rule), plan_of([], prompts=sources)).needs
    assert (need.slice, need.prompts) == ("language=en", 2)
    assert needs(rule)[0].slice == "language=*"
    (nowhere,) = plan_policy(policy(rule), plan_of(["a"])).needs
    assert "no prompt is tagged language" in nowhere.says[0]


def test_a_metric_that_no_scorer_of_the_suite_measures_cannot_pass() -> None:
    need = only(with_suite(limit(metric="length.empty_rat"), 500))
    assert need.can_pass is False
    assert "did you mean 'length.empty_rate'?" in need.says[0]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (limit("==", 0, metric="privacy.secret_count"), "an exact count"),
        ({"id": "r", "conform": {"metric": "length.empty_rate", "expect": "none"}}, "a census"),
        (limit(metric="length.words"), "give --pilot RUN"),
        (limit(metric="latency.seconds_p95"), "a bound exists from 59 prompts on"),
        (limit(metric="latency.seconds_p50"), "a bound exists from 5 prompts on"),
        (limit(value=0.0), "CANNOT pass with any suite"),
        (limit("==", 0.0), "CANNOT pass with any suite"),
        (limit(metric="mine.odd_rate"), "taken for a rate of outputs"),
        (limit(decide="point", n_min=50), "about every other time"),
        (limit(">=", 0.5), "asks for the reverse"),
        ({"id": "r", "coverage": {"by": "risk", "total": 9}}, "takes 9 distinct prompts"),
        ({"id": "r", "document": {"file": "a.pdf", "signatures": 0}}, "takes no sample"),
    ],
)
def test_each_kind_of_rule_says_what_it_takes(rule: dict[str, Any], said: str) -> None:
    assert any(said in line for line in needs(rule)[0].says)


def test_a_count_has_no_spread_to_learn_from_a_pilot() -> None:
    assert "--pilot" not in str(needs(limit(value=2, metric="privacy.secret_count")))


def test_coverage_is_counted_on_the_suite() -> None:
    rule = {"id": "r", "coverage": {"by": "risk", "total": 3}}
    assert only(with_suite(rule, 3)).can_pass is True
    short = only(with_suite(rule, 2))
    assert (short.can_pass, short.says[0].startswith("CANNOT")) == (False, True)


def test_a_document_is_looked_for_beside_the_policy(tmp_path: Path) -> None:
    rules = policy(limit(), {"id": "d", "document": {"file": "a.pdf", "signatures": 0}})
    assert "is not there yet" in plan_policy(rules, base=tmp_path).needs[1].says[0]
    (tmp_path / "a.pdf").write_bytes(b"x")
    assert "is there" in plan_policy(rules, base=tmp_path).needs[1].says[0]


def compared(**more: Any) -> dict[str, Any]:
    asked = {"metric": "length.empty_rate", "against": "champion", **more}
    return {"id": "r", "compare": asked}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"margin": 0.05}, "59 at 2%, 124 at 5%, 248 at 10%"),
        ({"margin": 0.05, "test": "equivalent"}, "343 at 10%"),
        ({"margin": 0.0}, "seldom pass"),
        ({"margin": 0.1, "relative": True}, "unknown before a run"),
        ({"margin": 0.1, "test": "superior"}, "depend on the true gain"),
    ],
)
def test_a_comparison_says_what_it_assumes(more: dict[str, Any], said: str) -> None:
    assert said in " ".join(needs(compared(**more))[0].says)


def test_a_pilot_scales_what_it_saw() -> None:
    seen = metric(name="length.words", kind="Mean", value=4.0, high=8.0, clusters=25, n=25)
    rule = limit(value=6.0, metric="length.words")
    (need,) = plan_policy(policy(rule), pilot=Evidence(metrics=[seen])).needs
    assert [(p.arm, p.needed) for p in need.pilot] == [("g/s", 100)]  # 25 * (4 / 2)^2


def test_a_pilot_scales_a_difference() -> None:
    seen = metric(name="length.words", better="lower")

    def answer(question: Question) -> Difference:
        return Difference(metric(value=0.0, low=-4.0, high=4.0, clusters=25), 1.0)

    rules = policy(
        {"id": "r", "compare": {"metric": "length.words", "against": "champion", "margin": 2.0,
                                "test": "equivalent"}}
    )  # fmt: skip
    (need,) = plan_policy(rules, pilot=Evidence(metrics=[seen], contrast=answer)).needs
    assert need.pilot[0].needed == 100


def test_a_pilot_that_is_beyond_the_limit_says_that_no_number_would_do() -> None:
    seen = metric(name="length.words", kind="Mean", value=7.0, high=8.0)
    rule = limit(value=6.0, metric="length.words")
    (need,) = plan_policy(policy(rule), pilot=Evidence(metrics=[seen])).needs
    assert (need.pilot[0].needed, "no number" in need.pilot[0].says) == (None, True)


def test_a_policy_that_asks_for_more_prompts_than_the_suite_has_cannot_pass() -> None:
    rules = policy(limit(), evidence={"prompts": 80})
    notes = plan_policy(rules, plan_of([f"q{n}" for n in range(70)])).notes
    assert notes[0].startswith("CANNOT pass with this suite: it has 70 distinct prompts")


def test_what_hangs_together_counts_once() -> None:
    tagged = [{"items": [f"q{n}" for n in range(60)], "tags": {"talk": "one"}}]
    exam = Exam.of(plan_of([], prompts=tagged), "talk")
    assert exam.within("all") == (1, 60)


def test_the_chance_to_pass_is_given_at_the_rates_asked_for() -> None:
    suite = plan_of([f"question {n}" for n in range(59)])
    need = only(plan_policy(policy(limit()), suite, parts=(0.0, 0.2, 1.0, 30.0)))
    chances = dict(need.chances)
    assert need.bears == 0
    assert chances[0.0] == 1.0
    assert chances[0.2] == pytest.approx(0.99**59)
    assert chances[1.0] == pytest.approx(0.95**59)
    assert chances[30.0] == 0.0  # more than all are bad


KINDS = st.one_of(
    st.builds(
        lambda metric, op, value: limit(op, value, metric=metric),
        st.sampled_from(["length.empty_rate", "privacy.secret_count", "length.words",
                         "latency.seconds_p95", "diversity.distinct_2"]),
        st.sampled_from(["<=", ">=", "=="]),
        st.sampled_from([-1.0, 0.0, 0.3, 1.0, 1.5, 90.0]),
    ),
    st.builds(
        lambda metric: {"id": "r", "conform": {"metric": metric}},
        st.sampled_from(["length.empty_rate", "length.words"]),
    ),
    st.builds(
        lambda test, margin: compared(test=test, margin=margin),
        st.sampled_from(["noninferior", "superior", "equivalent"]),
        st.sampled_from([0.1, 1.0, 5.0]),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def installed() -> dict[str, Traits]:
    """Ask the scorers what they measure once, and not for every example."""
    return of_installation()


@settings(deadline=None, max_examples=60)
@given(rule=KINDS)
def test_a_rule_that_no_evidence_passes_is_said_to_pass_with_no_suite(
    installed: dict[str, Traits], rule: dict[str, Any]
) -> None:
    rules = policy(rule)
    (mutant,) = mutate(rules, of_policy(rules, installed), {}, TODAY)
    need = only(plan_policy(rules))
    never = mutant.reached["pass"] is None
    assert (need.can_pass is False) == never
    assert bool(need.says and need.says[0].startswith("CANNOT pass with any suite")) == never


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["<=", ">="]), st.sampled_from([0.02, 0.05, 0.3, 0.7, 0.9, 0.95]),
    st.integers(1, 250), st.integers(1, 3), st.integers(1, 80), st.sampled_from([1, 3]),
)  # fmt: skip
def test_what_can_pass_is_what_the_judge_passes(
    op: str, value: float, prompts: int, samples: int, n_min: int, attempts: int
) -> None:
    rules = policy(limit(op, value, n_min=n_min), attempts=attempts)
    suite = plan_of([f"q{n}" for n in range(prompts)], samples_per_prompt=samples)
    need = only(plan_policy(rules, suite))
    assert (judged(rules, op, prompts, samples, bad=0) == "pass") == need.can_pass
    if samples == 1 and need.bears is not None:
        assert judged(rules, op, prompts, 1, bad=need.bears) == "pass"
        if need.bears < prompts:
            assert judged(rules, op, prompts, 1, bad=need.bears + 1) != "pass"


def judged(rules: Any, op: str, prompts: int, samples: int, *, bad: int) -> str:
    """What the judge says of rows with so many bad outputs, one of a prompt at most."""
    events = np.zeros(prompts * samples, dtype=bool)
    events[: bad * samples : samples] = True
    if op == ">=":
        events = ~events
    confidence = Terms.of(rules.rules[0], rules).confidence
    found = estimate(
        BAD, {"bad": events}, np.repeat(np.arange(prompts), samples),
        missing=np.array([], dtype=np.int64), confidence=confidence,
    )  # fmt: skip
    seen = metric(
        name="length.empty_rate", value=found.value, low=found.low, high=found.high,
        n=found.n, clusters=found.clusters, confidence=confidence,
    )  # fmt: skip
    return judge(Evidence(metrics=[seen]), rules)[0].outcome
