"""What a policy may say, and that whatever else it says is refused at its line."""

from __future__ import annotations

import re

import pytest

from harness.errors import SpecError
from harness.spec.load import load_text
from harness.spec.policy import KINDS, PolicySpec, Rule

HEAD = "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: p}\nrules:\n"
REQUIRE = 'require: {metric: a.b, op: "<=", value: 0.1}'
KEYS = (
    "MCowBQYDK2VwAyEAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    "MCowBQYDK2VwAyEAAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
)
EACH = {
    "require": REQUIRE,
    "compare": "compare: {metric: a.b, against: champion}",
    "conform": "conform: {metric: a.b}",
    "coverage": "coverage: {by: risk, total: 9}",
    "document": "document: {file: log.md, signatures: 0}",
}


def policy(rule: str, more: str = "") -> PolicySpec:
    return load_text(f"{HEAD}  - {{id: r, {rule}}}\n{more}", PolicySpec, name="p.yaml")


def one(rule: str) -> Rule:
    return policy(rule).rules[0]


def refusal(rule: str, more: str = "") -> str:
    with pytest.raises(SpecError) as caught:
        policy(rule, more)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_rule_stands_alone(kind: str) -> None:
    rule = one(EACH[kind])
    assert rule.kind == kind
    assert rule.metric == ("a.b" if kind in ("require", "compare", "conform") else "")
    assert (rule.severity, rule.override, rule.maps) == ("block", False, ())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_rule_is_of_one_kind(kind: str, other: str) -> None:
    if kind != other:
        message = refusal(f"{EACH[kind]}, {EACH[other]}")
        assert re.search(r"p\.yaml:5\b", message)
        assert f"`{kind}`" in message.partition("; here is ")[2]
        assert f"`{other}`" in message.partition("; here is ")[2]


def test_a_rule_is_of_some_kind() -> None:
    message = refusal("why: nothing is asked")
    assert "exactly one of" in message
    assert "here is none" in message
    assert "p.yaml:5" in message


BAD = {
    "an unknown key": (f"{REQUIRE}, sliced: {{by: a}}", "did you mean 'slices'?"),
    "a misspelt kind": ("requires: {metric: a.b}", "did you mean 'require'?"),
    "a misspelt severity": (f"{REQUIRE}, severity: blok", "did you mean 'block'?"),
    "a misspelt decision": (f"{REQUIRE}, decide: bounds", "did you mean 'bound'?"),
    "a misspelt test": (
        "compare: {metric: a.b, against: champion, test: non-inferior}",
        "did you mean 'noninferior'?",
    ),
    "a misspelt relation": (
        f"{REQUIRE}, maps: [{{framework: F, edition: '1', clause: c, relation: support}}]",
        "did you mean 'supports'?",
    ),
    "an unknown operator": ('require: {metric: a.b, op: "<", value: 0.1}', "should be"),
    "a limit that is text": (
        'require: {metric: a.b, op: "<=", value: "0.1"}',
        "should be a number",
    ),
    "no limit": ('require: {metric: a.b, op: "<="}', "`value` is missing"),
    "a limit that is no number": (
        'require: {metric: a.b, op: "<=", value: .nan}',
        "no finite number",
    ),
    "a confidence of one": (f"{REQUIRE}, confidence: 1", "less than 1"),
    "a confidence of a coin": (f"{REQUIRE}, confidence: 0.5", "greater than 0.5"),
    "a share above one": (f"{REQUIRE}, max_unscored: 2", "less than or equal to 1"),
    "no outputs at all": (f"{REQUIRE}, n_min: 0", "greater than or equal to 1"),
    "a point without a number": (f"{REQUIRE}, decide: point", "`decide: point` needs `n_min`"),
    "an unknown other": (
        "compare: {metric: a.b, against: champ}",
        "`against` is `champion`, `anchor:<seal digest>`",
    ),
    "a short seal": ("compare: {metric: a.b, against: 'anchor:abc'}", "`anchor:<seal digest>`"),
    "an absolute margin below 0": (
        "compare: {metric: a.b, against: champion, margin: -1}",
        "a margin below 0 asks for an improvement",
    ),
    "a margin that loosens superiority": (
        "compare: {metric: a.b, against: champion, test: superior, margin: -0.1, "
        "relative: true}",
        "a margin of 0 or more",
    ),
    "a share that leaves less than nothing": (
        "compare: {metric: a.b, against: champion, margin: -1, relative: true}",
        "a relative margin lies above -1",
    ),
    "equivalence without room": (
        "compare: {metric: a.b, against: champion, test: equivalent}",
        "`equivalent` needs a margin above 0",
    ),
    "an excuse for what cannot be absent": (
        "compare: {metric: a.b, against: 'strategy:greedy', if_absent: it is new}",
        "`if_absent` is about the champion",
    ),
    "coverage of nothing": ("coverage: {by: risk}", "give `total`, `each`, or both"),
    "coverage by zero": ("coverage: {by: risk, each: {a: 0}}", "greater than or equal to 1"),
    "sliced coverage": (
        f"{EACH['coverage']}, slices: {{by: a}}",
        "`slices` have no meaning for `coverage`",
    ),
    "a sliced document": (
        f"{EACH['document']}, slices: {{by: a}}",
        "`slices` have no meaning for `document`",
    ),
    "more signatures than people": (
        "document: {file: a, signatures: 2, signed_by: {ann: k}}",
        "`signatures: 2` asks for more people than may sign, 1",
    ),
    "a signature of nobody": (
        "document: {file: a}",
        "`signatures: 1` asks for more people than may sign, 0",
    ),
    "an age without a date": (
        "document: {file: a, signatures: 0, max_age_days: 9}",
        "`max_age_days` needs `dated`",
    ),
    "a date in words": (
        "document: {file: a, signatures: 0, dated: yesterday}",
        "should be a date as YYYY-MM-DD",
    ),
    "a date in digits": (
        "document: {file: a, signatures: 0, dated: '20260131'}",
        "should be a date as YYYY-MM-DD",
    ),
    "a day that is in no calendar": (
        "document: {file: a, signatures: 0, dated: 2026-02-30}",
        "`rules[0].document.dated`",
    ),
    "a clause of a draft": (
        f"{REQUIRE}, maps: [{{framework: NIST-AI-600-1, edition: draft-2024-04, "
        "clause: MP-4.1-009}]",
        "only the edition 'final-2024-07' is taken",
    ),
    "an empty slice": (f"{REQUIRE}, slices: {{by: a, min_n: 0}}", "greater than or equal to 1"),
    "slices of nothing": (f"{REQUIRE}, slices: {{}}", "`by` is missing"),
    "a name with a slash": (f"{REQUIRE}, id: a/b", "already on line 5"),
}


@pytest.mark.parametrize("what", BAD)
def test_each_misfit_is_refused_at_its_line(what: str) -> None:
    rule, said = BAD[what]
    message = refusal(rule)
    assert said in message
    assert re.search(r"p\.yaml:5\b", message)


@pytest.mark.parametrize(
    "rule",
    [
        "compare: {metric: a.b, against: champion, margin: 0.1, if_absent: it is the first}",
        f"compare: {{metric: a.b, against: 'anchor:{'a' * 12}'}}",
        f"compare: {{metric: a.b, against: 'anchor:{'a' * 64}'}}",
        "compare: {metric: a.b, against: 'strategy:top-p_0.9', test: superior}",
        "compare: {metric: a.b, against: 'generator:base', margin: -0.5, relative: true}",
        "compare: {metric: a.b, against: champion, test: equivalent, margin: 0.1}",
        "conform: {metric: a.b, expect: none}, slices: {by: language, only: [en]}",
        "coverage: {by: risk, each: {a: 1}, where: {bank: x}}",
        f"document: {{file: a, signatures: 2, signed_by: {{ann: {KEYS[0]}, bob: {KEYS[1]}}}, "
        "dated: 2026-02-28, max_age_days: 9}",
        f"{REQUIRE}, decide: point, n_min: 9",
        f"{REQUIRE}, decide: both",
        f"{REQUIRE}, slices: {{by: a, family: none, on_empty: fail}}",
        f"{REQUIRE}, maps: [{{framework: NIST-AI-600-1, edition: final-2024-07, clause: c}}]",
        f"{REQUIRE}, maps: [{{framework: mine, edition: draft, clause: c}}]",
    ],
)
def test_what_fits_is_taken(rule: str) -> None:
    assert one(rule).id == "r"


@pytest.mark.parametrize(
    ("more", "said", "line"),
    [
        ("defaults: {decide: point}", "should be 'bound' or 'both'", 6),
        ("defaults: {n: 3}", "'n' is not a key here", 6),
        ("attempts: 0", "greater than or equal to 1", 6),
        ("attempts: 21", "less than or equal to 20", 6),
        ("not_applicable: {q: because}", "names 'q', which is no rule here", 1),
        ("not_applicable: {r: ' '}", "no rule has severity", 1),
        ("evidence: {identity: [weight]}", "did you mean 'weights'?", 6),
        ("evidence: {prompts: 0}", "greater than or equal to 1", 6),
        ("extends: [{pack: base-safety, file: a.yaml}]", "exactly one of `pack` and", 6),
        ("extends: [{}]", "exactly one of `pack` and `file`", 6),
        ("pack: {name: p, source: s, grade: guess}", "should be 'official'", 6),
        ("pack: {name: p, grade: own}", "`source` is missing", 6),
        ("pack: {name: p, source: s, grade: own, verified: {by: a, date: x, page: '1'}}",
         "should be a date as YYYY-MM-DD", 6),
    ],
)  # fmt: skip
def test_the_rest_of_the_file_is_checked_too(more: str, said: str, line: int) -> None:
    message = refusal(REQUIRE, more)
    assert said in message
    assert re.search(rf"p\.yaml:{line}\b", message)


def test_a_policy_that_can_never_fail_is_refused() -> None:
    assert "nothing could ever fail" in refusal(f"{REQUIRE}, severity: warn")
    assert "nothing could ever fail" in refusal(f"{REQUIRE}, severity: observe")
    with pytest.raises(SpecError, match="there is no rule"):
        load_text(HEAD.replace("rules:\n", ""), PolicySpec)
    assert "nothing could ever fail" in refusal(REQUIRE, "not_applicable: {r: not for us}")


def test_what_does_not_apply_has_a_reason_and_is_never_legal() -> None:
    text = f"{HEAD}  - {{id: a, {REQUIRE}}}\n  - {{id: b, {REQUIRE}, severity: SEVERITY}}\n"
    for severity, reason, said in (
        ("legal", "not for us", "'b' is a legal rule: it always applies"),
        ("block", "''", "'b' needs a written reason"),
    ):
        bad = text.replace("SEVERITY", severity) + f"not_applicable: {{b: {reason}}}\n"
        with pytest.raises(SpecError, match=re.escape(said)):
            load_text(bad, PolicySpec)
    good = text.replace("SEVERITY", "block") + "not_applicable: {b: not for us}\n"
    assert load_text(good, PolicySpec).not_applicable == {"b": "not for us"}


def test_two_rules_do_not_share_an_id() -> None:
    text = f"{HEAD}  - {{id: r, {REQUIRE}}}\n  - {{id: r, {REQUIRE}}}\n"
    with pytest.raises(SpecError, match="two rules share the id 'r'"):
        load_text(text, PolicySpec)
