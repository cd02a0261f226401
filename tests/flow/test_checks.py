"""Rules that estimate nothing, and what keeps a run from being evidence at all."""

from __future__ import annotations

import base64
import math
from datetime import date
from typing import Any

import pytest

from harness.flow.evidence import Signed
from harness.records import Finding
from tests.flow.synthetic import TODAY, evidence, finding, findings, metric, policy

ALL = {"id": "r", "conform": {"metric": "label.ok"}}
NONE = {"id": "r", "conform": {"metric": "label.ok", "expect": "none"}}
GOOD = {"name": "label.ok", "value": 1.0, "low": 0.98, "high": 1.0, "better": "higher"}


def key(letter: bytes) -> str:
    """A public key in the form that policies hold: the DER of RFC 8410, as base64."""
    return base64.b64encode(bytes.fromhex("302a300506032b6570032100") + letter * 32).decode()


KEYS = {"ann": key(b"a"), "bob": key(b"b"), "cyd": key(b"c")}


def conforms(rule: dict[str, Any] = ALL, *, partial: bool = False, **changes: Any) -> Finding:
    arms = frozenset({("g", "s")}) if partial else frozenset()
    return finding(evidence(metric(**{**GOOD, **changes}), partial=arms), policy(rule))


# Conformance: a census.


def test_every_output_conforms() -> None:
    found = conforms()
    assert (found.outcome, found.cause) == ("pass", "evidence")
    assert found.message == "all 200 outputs conform"
    assert (found.kind, found.op, found.limit) == ("conform", "==", 1.0)
    assert found.asked == "label.ok of every output"


def test_one_odd_output_fails_whatever_the_bounds_say() -> None:
    found = conforms(value=0.995)
    assert (found.outcome, found.cause) == ("fail", "evidence")
    assert found.message == "1 of 200 outputs do not conform"


def test_one_odd_output_fails_even_where_others_are_missing_or_not_yet_asked() -> None:
    assert conforms(value=0.995, missing=7, cause="unscored").outcome == "fail"
    assert conforms(value=0.995, partial=True).outcome == "fail"


def test_one_missing_score_is_no_pass() -> None:
    found = conforms(missing=1)
    assert (found.outcome, found.cause) == ("inconclusive", "unscored")
    assert found.message == "200 of 201 outputs were seen"


def test_a_part_of_the_plan_is_no_pass() -> None:
    found = conforms(partial=True)
    assert (found.outcome, found.cause) == ("inconclusive", "insufficient_n")
    assert "of a part" in found.message


def test_no_output_may_have_what_none_should_have() -> None:
    assert conforms(NONE, value=0.0).outcome == "pass"
    assert conforms(NONE, value=0.01).message == "2 of 200 outputs do not conform"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"value": None, "n": 0, "missing": 200, "cause": "unscored"}, "unscored"),
        ({"value": None, "cause": "undefined"}, "undefined"),
        ({"value": None}, "unscored"),
        ({"value": math.nan}, "error"),
        ({"value": math.inf}, "error"),
        ({"n": 0}, "insufficient_n"),
        ({"cause": "undefined"}, "undefined"),
        ({"kind": "Mean"}, "error"),
        ({"kind": "Count"}, "error"),
        ({"name": "label.other"}, "missing_metric"),
        ({"confidence": 0.9}, "missing_metric"),
    ],
)
def test_what_is_no_rate_of_all_outputs_never_conforms(
    changes: dict[str, Any], cause: str
) -> None:
    found = conforms(**changes)
    assert (found.outcome, found.cause) == ("inconclusive", cause)
    assert found.message


def test_fewer_outputs_than_asked_for_are_no_pass() -> None:
    assert conforms({**ALL, "n_min": 200}).outcome == "pass"
    assert conforms({**ALL, "n_min": 201}).outcome == "inconclusive"


def test_each_slice_conforms_by_itself_and_a_wanted_one_must_be_there() -> None:
    rule = {**ALL, "slices": {"by": "lang", "only": ["en", "zh", "de"], "min_n": 9}}
    seen = evidence(
        metric(**GOOD),
        metric(**GOOD, slice="lang=en"),
        metric(**{**GOOD, "value": 0.9}, slice="lang=zh"),
    )
    outcomes = {f.slice: f.outcome for f in findings(seen, policy(rule))}
    assert outcomes == {"lang=en": "pass", "lang=zh": "fail", "lang=de": "inconclusive"}


# Coverage: kinds of prompts.

BANK = {"by": "risk", "total": 3, "each": {"A": 2, "B": 1}, "where": {"bank": "x"}}


def covered(prompts: list[dict[str, str]], asked: dict[str, Any], **more: Any) -> Finding:
    rules = policy({"id": "r", "coverage": asked})
    return finding(evidence(prompts=prompts, **more), rules)


def prompts(**counts: int) -> list[dict[str, str]]:
    return [{"risk": risk, "bank": "x"} for risk, n in counts.items() for _ in range(n)]


def test_enough_prompts_of_each_kind_cover_a_bank() -> None:
    found = covered(prompts(A=2, B=1), BANK)
    assert (found.outcome, found.kind, found.value, found.limit) == ("pass", "coverage", 3, 3)
    assert found.message == "3 prompts cover it"
    assert found.asked == "prompts by risk where bank=x"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"A": 9}, "B: 0 of 1"),
        ({"A": 1, "B": 9}, "A: 1 of 2"),
        ({"B": 1}, "in all: 1 of 3; A: 0 of 2"),
        ({}, "in all: 0 of 3; A: 0 of 2; B: 0 of 1"),
    ],
)
def test_what_is_short_is_said_with_its_number(given: dict[str, int], said: str) -> None:
    found = covered(prompts(**given), BANK)
    assert (found.outcome, found.cause) == ("fail", "evidence")
    assert found.message == f"too few prompts, {said}"


def test_prompts_of_another_bank_and_without_the_tag_do_not_count() -> None:
    other = [{"risk": "B", "bank": "y"}, {"risk": "B"}, {"bank": "x"}]
    assert covered(prompts(A=2) + other, BANK).message == "too few prompts, B: 0 of 1"


def test_a_total_alone_counts_prompts_without_the_tag_too() -> None:
    assert covered([{}, {}], {"by": "risk", "total": 2}).outcome == "pass"
    assert covered([{}], {"by": "risk", "total": 2}).outcome == "fail"


def test_minima_alone_need_no_total() -> None:
    found = covered(prompts(A=2, B=3), {"by": "risk", "each": {"A": 2, "B": 3}})
    assert (found.outcome, found.limit) == ("pass", 5)
    assert found.asked == "prompts by risk, the sum of 2 kinds"


def test_prompts_that_are_still_to_be_asked_make_no_fail() -> None:
    found = covered(prompts(A=2), BANK, partial=frozenset({("g", "s")}))
    assert (found.outcome, found.cause) == ("inconclusive", "insufficient_n")


# Documents: people who signed.


def document(signed: Signed | None, today: date | None = TODAY, **asked: Any) -> Finding:
    rule = {"id": "r", "document": {"file": "log.md", "signed_by": KEYS, **asked}}
    given = {"log.md": signed} if signed else {}
    return finding(evidence(documents=given, today=today), policy(rule))


@pytest.mark.parametrize(
    ("signers", "outcome"),
    [
        ((), "fail"),
        (("ann",), "fail"),
        (("ann", "bob"), "pass"),
        (("ann", "bob", "cyd"), "pass"),
        (("ann", "ann"), "fail"),
        (("ann", "mallory"), "fail"),
    ],
)
def test_so_many_different_people_that_may_sign_must_have_signed(
    signers: tuple[str, ...], outcome: str
) -> None:
    found = document(Signed("d" * 64, signers), signatures=2)
    assert (found.outcome, found.cause) == (outcome, "evidence")
    assert (found.kind, found.limit) == ("document", 2)
    assert found.value == len({"ann", "bob", "cyd"}.intersection(signers))


def test_the_names_of_those_who_signed_are_said() -> None:
    assert document(Signed("d" * 64, ("bob", "ann"))).message == "signed by ann, bob"


def test_a_document_that_is_not_there_is_no_pass() -> None:
    found = document(None, signatures=0)
    assert (found.outcome, found.cause) == ("inconclusive", "missing_metric")


def test_a_document_nobody_need_sign_has_to_be_there() -> None:
    assert document(Signed("d" * 64, ()), signatures=0).outcome == "pass"


def test_one_invalid_signature_fails_beside_any_number_of_valid_ones() -> None:
    found = document(Signed("d" * 64, ("ann", "bob"), invalid=("cyd",)))
    assert (found.outcome, found.cause) == ("fail", "digest_mismatch")
    assert "cyd" in found.message


@pytest.mark.parametrize(
    ("dated", "today", "outcome"),
    [
        ("2026-11-25", TODAY, "pass"),
        ("2026-08-27", TODAY, "pass"),
        ("2026-08-26", TODAY, "inconclusive"),
        ("2026-11-26", TODAY, "inconclusive"),
        ("2026-11-25", None, "inconclusive"),
    ],
)
def test_a_document_is_neither_too_old_nor_of_the_future(
    dated: str, today: date | None, outcome: str
) -> None:
    found = document(Signed("d" * 64, ("ann",)), today=today, dated=dated, max_age_days=90)
    assert found.outcome == outcome
    assert outcome == "pass" or found.cause == "stale"


def test_a_document_without_a_greatest_age_never_grows_old() -> None:
    signed = Signed("d" * 64, ("ann",))
    assert document(signed, dated="1999-01-01").outcome == "pass"


def test_a_document_of_the_future_is_none_whatever_its_greatest_age() -> None:
    found = document(Signed("d" * 64, ("ann",)), dated="2026-11-26")
    assert (found.outcome, found.cause) == ("inconclusive", "stale")
    assert "yet to come" in found.message


def test_who_has_not_signed_is_named_with_the_file_that_is_looked_for() -> None:
    found = document(Signed("d" * 64, ("ann",)), signatures=2)
    assert found.message == "1 of 2 signatures; not there: log.md.bob.sig, log.md.cyd.sig"
