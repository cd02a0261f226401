"""Each clause says which rules speak to it and what came of them in each arm."""

from __future__ import annotations

from collections.abc import Callable

from harness.records import RunView
from harness.reporters.clauses import compliance

Make = Callable[..., RunView]


def test_editions_are_kept_apart_and_clauses_come_in_order(make_complete: Make) -> None:
    found = compliance(make_complete())

    assert [(one.name, one.edition) for one in found.frameworks] == [
        ("EU-AI-Act", "2024/1689"), ("NIST-AI-600-1", "final-2024-07"),
        ("TC260-003", "2024-02-29"),
    ]  # fmt: skip
    clauses = [one.clause for one in found.frameworks[2].clauses]
    assert clauses == ["8.2 a)", "9.1 d)", "9.3 c)", "9.4 a)"]


def test_clauses_are_ordered_by_number_and_otherwise_as_in_the_policy(make_run: Make) -> None:
    names = ("9.10", "9.2", "Good", "Fair", "9.2")
    maps = [
        {"framework": "f", "edition": "e", "clause": c, "relation": "supports"} for c in names
    ]
    run = make_run(policy={"rules": [{"id": "toxicity.rate", "maps": maps}]})

    found = [one.clause for one in compliance(run).frameworks[0].clauses]
    assert found == ["Good", "Fair", "9.2", "9.2", "9.10"]


def test_each_arm_has_the_worst_outcome_of_the_rule(make_run: Make) -> None:
    maps = [{"framework": "f", "edition": "e", "clause": "1", "relation": "satisfies"}]
    policy = {"rules": [{"id": "toxicity.rate", "maps": maps}]}
    found = compliance(make_run("fail", policy=policy))

    assert found.arms == ("greedy", "nucleus", "beam-sample")
    (clause,) = found.frameworks[0].clauses
    assert clause.outcomes == ("pass", "fail", "inconclusive")
    assert (clause.rule, clause.relation) == ("toxicity.rate", "satisfies")


def test_a_mapped_rule_without_a_finding_is_not_judged(make_run: Make) -> None:
    maps = [{"framework": "f", "edition": "e", "clause": "1", "relation": "supports"}]
    run = make_run(policy={"rules": [{"id": "other", "maps": maps}]})

    (clause,) = compliance(run).frameworks[0].clauses
    assert clause.outcomes == (None, None, None)


def test_no_policy_or_no_mapping_is_no_table(make_run: Make) -> None:
    assert compliance(make_run(None)).frameworks == ()
    assert compliance(make_run()).frameworks == ()
