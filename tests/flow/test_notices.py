"""A pack whose numbers nobody has checked says so, each time it is used."""

from __future__ import annotations

from typing import Any

import pytest

from harness.flow.judge import judge
from harness.flow.notices import notices, undecided
from tests.flow.synthetic import evidence, limit, metric, policy, waiver

PACK = {"name": "tc260-003", "source": "TC260-003, 2024-02-29", "grade": "secondary"}
CHECKED = {"by": "Ann", "date": "2026-01-31", "page": "12"}


def said(**changes: Any) -> tuple[str, ...]:
    return notices(policy(limit(), pack={**PACK, **changes}))


def test_a_policy_without_packs_needs_no_banner() -> None:
    assert notices(policy(limit())) == ()


def test_an_unverified_pack_says_where_its_numbers_come_from_and_what_is_missing() -> None:
    assert said(status="no report\n  is checked") == (
        "pack tc260-003: its numbers are from secondary sources, and nobody has checked them "
        "against the official text; no report is checked",
    )


def test_a_status_may_be_missing() -> None:
    assert said()[0].endswith("the official text")


@pytest.mark.parametrize(
    ("grade", "words"),
    [
        ("official", "official text"),
        ("transcription", "a transcription"),
        ("secondary", "secondary sources"),
        ("own", "no law or standard"),
    ],
)
def test_each_grade_has_its_own_words(grade: str, words: str) -> None:
    (line,) = said(grade=grade)
    assert words in line
    assert "\n" not in line


def test_a_pack_that_someone_verified_is_silent() -> None:
    assert said(verified=CHECKED) == ()


def test_packs_taken_over_are_named_too_and_each_once() -> None:
    other = {**PACK, "name": "other"}
    rules = policy(limit(), pack=PACK, packs=[other, PACK, {**other, "verified": CHECKED}])
    assert [line.partition(":")[0] for line in notices(rules)] == ["pack tc260-003"]
    rules = policy(limit(), pack=PACK, packs=[other, PACK])
    assert [line.partition(":")[0] for line in notices(rules)] == [
        "pack other",
        "pack tc260-003",
    ]


def test_an_arm_of_which_nothing_was_decided_says_why_it_is_no_pass() -> None:
    bad = metric(low=0.06, value=0.1, high=0.2)
    excepted = policy(
        limit(), limit("other"), not_applicable={"other": "Not ours to say here."}
    )
    verdicts = judge(evidence(bad), excepted, [waiver()])
    assert [verdict.outcome for verdict in verdicts] == ["inconclusive"]
    assert undecided(verdicts) == (
        "g/s is no pass: no blocking rule was decided on evidence (1 waived, 1 not applicable)",
    )


def test_an_arm_with_a_rule_to_blame_or_a_pass_needs_no_such_line() -> None:
    assert undecided(judge(evidence(), policy(limit()))) == ()
    assert undecided(judge(evidence(metric(high=0.06)), policy(limit()))) == ()
    assert undecided(judge(evidence(metric(low=0.06, value=0.1)), policy(limit()))) == ()
