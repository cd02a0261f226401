"""What changed between two policies, which way, and what it does to a stored run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.errors import AlteredError, SpecError
from harness.flow.policy.diff import Changed, diff, effect
from harness.flow.policy.strictness import Label, of_key
from harness.spec.extend import load_policy
from harness.spec.library import names, packs, resolve
from harness.spec.policy import PolicySpec
from tests.flow.suites import planted, write_policy, write_suite
from tests.flow.synthetic import SUBJECT, TODAY, limit, policy
from tests.flow.test_waive import KEY

OTHER = "MCowBQYDK2VwAyEAAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
COMPARE = {"metric": "toxicity.rate", "against": "champion", "margin": 0.1}
DOCUMENT = {"file": "a.pdf", "signed_by": {"ann": KEY, "bob": OTHER}, "signatures": 1}
COVERAGE = {"by": "risk", "total": 9, "each": {"A": 2}}


def changes(old: PolicySpec, new: PolicySpec) -> list[tuple[str, str, Label]]:
    return [(c.part, c.key, c.label) for c in diff(old, new).changes]


def of_rule(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Label]:
    """The label of each key that changed in the only rule."""
    return {key: label for _, key, label in changes(policy(old), policy(new))}


@pytest.mark.parametrize("name", [*names("policies"), *packs()])
def test_a_policy_differs_from_itself_in_nothing(name: str) -> None:
    one = load_policy(resolve("policies", name))
    assert diff(one, load_policy(resolve("policies", name))).changes == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "label"),
    [
        (limit(value=0.05), limit(value=0.01), "require.value", "stricter"),
        (limit(value=0.05), limit(value=0.10), "require.value", "looser"),
        (limit(op=">=", value=0.9), limit(op=">=", value=0.95), "require.value", "stricter"),
        (limit(op=">=", value=0.9), limit(op=">=", value=0.8), "require.value", "looser"),
        (limit(op="==", value=0), limit(op="==", value=1), "require.value", "other"),
        (limit(), limit(op=">="), "require.op", "other"),
        (limit(), limit(metric="toxicity.other"), "require.metric", "other"),
        (limit(), limit(confidence=0.99), "confidence", "stricter"),
        (limit(confidence=0.99), limit(confidence=0.9), "confidence", "looser"),
        (limit(max_unscored=0.1), limit(max_unscored=0.01), "max_unscored", "stricter"),
        (limit(max_unscored=0.0), limit(max_unscored=0.01), "max_unscored", "looser"),
        (limit(n_min=9), limit(n_min=10), "n_min", "stricter"),
        (limit(severity="warn"), limit(severity="block"), "severity", "stricter"),
        (limit(severity="block"), limit(severity="legal"), "severity", "stricter"),
        (limit(severity="legal"), limit(severity="observe"), "severity", "looser"),
        (limit(decide="bound"), limit(decide="both"), "decide", "stricter"),
        (limit(decide="both"), limit(decide="bound"), "decide", "looser"),
        (limit(n_min=5), limit(n_min=5, decide="point"), "decide", "other"),
        (limit(why="a"), limit(why="b"), "why", "other"),
    ],
)
def test_each_key_of_a_rule_is_labelled(
    old: dict[str, Any], new: dict[str, Any], key: str, label: Label
) -> None:
    other = limit("keeps_it_blocking")
    found = changes(policy(old, other), policy(new, other))
    assert ("rule r", key, label) in found


def test_a_limit_on_another_thing_is_neither_stricter_nor_looser() -> None:
    assert of_rule(limit(value=0.05), limit(op=">=", value=0.9)) == {
        "require.op": "other", "require.value": "other",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "old", "change", "label"),
    [
        ("compare", COMPARE, {"margin": 0.05}, "stricter"),
        ("compare", COMPARE, {"margin": 0.2}, "looser"),
        ("compare", {**COMPARE, "test": "superior"}, {"margin": 0.2}, "stricter"),
        ("compare", COMPARE, {"if_absent": "the first model"}, "looser"),
        ("compare", COMPARE, {"against": "strategy:greedy"}, "other"),
        ("coverage", COVERAGE, {"total": 10}, "stricter"),
        ("coverage", COVERAGE, {"total": None}, "looser"),
        ("coverage", COVERAGE, {"each": {"A": 2, "B": 1}}, "stricter"),
        ("coverage", COVERAGE, {"each": {"A": 1}}, "looser"),
        ("coverage", COVERAGE, {"where": {"bank": "x"}}, "other"),
        ("document", DOCUMENT, {"signatures": 2}, "stricter"),
        ("document", DOCUMENT, {"signed_by": {"ann": KEY}}, "other"),
        ("conform", {"metric": "a.b"}, {"expect": "none"}, "other"),
    ],
)
def test_every_kind_of_rule_is_labelled(
    kind: str, old: dict[str, Any], change: dict[str, Any], label: Label
) -> None:
    found = of_rule({"id": "r", kind: old}, {"id": "r", kind: {**old, **change}})
    assert list(found.values()) == [label]


@pytest.mark.parametrize(
    ("old", "new", "label"),
    [
        ({"min_n": 5}, {"min_n": 9}, "stricter"),
        ({"only": ["en"]}, {"only": ["en", "de"]}, "stricter"),
        ({"only": ["en", "de"]}, {"only": ["en"]}, "looser"),
        ({"only": ["en"]}, {"only": ["de"]}, "other"),
        ({}, {"on_empty": "fail"}, "stricter"),
        ({}, {"family": "none"}, "stricter"),
    ],
)
def test_slices_are_labelled(old: dict[str, Any], new: dict[str, Any], label: Label) -> None:
    before, after = ({"by": "lang", **one} for one in (old, new))
    assert list(of_rule(limit(slices=before), limit(slices=after)).values()) == [label]


def test_slices_that_come_are_one_change() -> None:
    assert of_rule(limit(), limit(slices={"by": "lang"})) == {"slices": "other"}


def test_rules_that_come_and_go_are_labelled_by_whether_they_block() -> None:
    base = policy(limit())
    more = policy(limit(), limit("new"), limit("hint", severity="warn"))
    assert changes(base, more) == [("rule new", "", "stricter"), ("rule hint", "", "other")]
    assert changes(more, base) == [("rule new", "", "looser"), ("rule hint", "", "other")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"attempts": 3}, ("policy", "attempts", "stricter")),
        ({}, {"evidence": {"prompts": 9}}, ("evidence", "prompts", "stricter")),
        ({}, {"evidence": {"suite": "a" * 64}}, ("evidence", "suite", "stricter")),
        (
            {"evidence": {"scorers": {"x": "a" * 12}}},
            {"evidence": {"scorers": {"x": "b" * 12}}},
            ("evidence", "scorers.x", "other"),
        ),
        ({"evidence": {"scorers": {"x": "a" * 12}}}, {}, ("evidence", "scorers.x", "looser")),
        ({}, {"evidence": {"identity": ["weights"]}}, ("evidence", "identity", "stricter")),
        (
            {"evidence": {"identity": ["weights"]}},
            {"evidence": {"identity": ["weights", "code"]}},
            ("evidence", "identity", "looser"),
        ),
        ({}, {"not_applicable": {"b": "so"}}, ("policy", "not_applicable.b", "looser")),
        ({"not_applicable": {"b": "so"}}, {}, ("policy", "not_applicable.b", "stricter")),
        (
            {"not_applicable": {"b": "so"}},
            {"not_applicable": {"b": "thus"}},
            ("policy", "not_applicable.b", "other"),
        ),
        ({}, {"defaults": {"cluster_by": "talk"}}, ("defaults", "cluster_by", "other")),
        ({}, {"defaults": {"confidence": 0.99}}, ("defaults", "confidence", "stricter")),
    ],
)
def test_what_stands_outside_the_rules_is_labelled(
    old: dict[str, Any], new: dict[str, Any], expected: tuple[str, str, Label]
) -> None:
    before, after = (policy(limit(), limit("b"), **keys) for keys in (old, new))
    assert changes(before, after) == [expected]


def test_what_is_extended_is_compared_flat(tmp_path: Path) -> None:
    more = "extends: [{pack: base-safety}]"
    plain = load_policy(write_policy(tmp_path, name="a"))
    extended = load_policy(write_policy(tmp_path, name="b", more=more))
    found = changes(plain, extended)
    assert ("rule base.toxicity", "", "stricter") in found
    assert ("packs", "base-safety", "other") in found


def test_old_and_new_values_are_given() -> None:
    (found,) = diff(policy(limit(value=0.05)), policy(limit(value=0.01))).changes
    assert found == Changed(
        part="rule r", key="require.value", old=0.05, new=0.01, label="stricter"
    )


RULES = st.lists(
    st.builds(
        lambda name, value, n_min, severity: limit(
            name, value=value, n_min=n_min, severity=severity
        ),
        st.sampled_from("abcd"), st.sampled_from([0.01, 0.1]), st.integers(1, 3),
        st.sampled_from(["block", "legal"]),
    ),
    min_size=1, max_size=4, unique_by=lambda rule: str(rule["id"]),
)  # fmt: skip


@given(RULES, RULES)
def test_the_way_back_has_the_opposite_labels(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    before, after = policy(*old), policy(*new)
    opposite = {"stricter": "looser", "looser": "stricter", "other": "other"}
    there = {(p, k, opposite[label]) for p, k, label in changes(before, after)}
    assert there == set(changes(after, before))
    assert changes(before, before) == []


def test_a_key_nobody_thought_of_is_other() -> None:
    assert of_key("something.new", 1, 2) == "other"


# What it does to a run.


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    suite = write_suite(tmp_path, "small", planted(200, 6))
    harness.run(suite, write_policy(tmp_path), out=tmp_path / "runs" / "small")
    return tmp_path / "runs" / "small"


def leaks(tmp_path: Path, value: float, name: str) -> PolicySpec:
    rule = (
        f'  - {{id: leaks, require: {{metric: privacy.leak_rate, op: "<=", value: {value}}}}}'
    )
    return load_policy(write_policy(tmp_path, rule, name=name))


def test_both_verdicts_stand_side_by_side_and_nothing_is_written(
    run: Path, tmp_path: Path
) -> None:
    before = prints(run)
    found = effect(run, leaks(tmp_path, 0.1, "a"), leaks(tmp_path, 0.001, "b"), TODAY)
    assert (found.old, found.new) == ("pass", "fail")
    assert found.arms == (("model/default", "pass", "fail"),)
    (shift,) = found.shifts
    assert (shift.rule, shift.old) == ("leaks", "pass (block)")
    assert shift.new == "fail: evidence (block)"
    assert prints(run) == before


def test_the_same_policy_twice_shifts_nothing(run: Path, tmp_path: Path) -> None:
    one = leaks(tmp_path, 0.1, "a")
    assert effect(run, one, one, TODAY).shifts == ()


def test_a_waiver_that_fits_but_one_policy_is_said_and_stops_nothing(
    run: Path, tmp_path: Path
) -> None:
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(
        "apiVersion: harness/v1\nkind: Waivers\nmetadata: {name: w}\nwaivers:\n"
        f"  - {{id: w, rule: leaks, subject_digest: {SUBJECT}, covers: fail, reason: known,\n"
        "     requested_by: ann, approved_by: bob, created: 2026-11-01, expires: 2026-12-01,\n"
        "     ticket: T-1}\n"
    )
    from harness.flow.assess import rejudge

    rejudge(run, tmp_path / "policy.yaml", waivers=waivers, today=TODAY)
    rule = '  - {id: other, require: {metric: length.empty_rate, op: "<=", value: 0.1}}'
    other = load_policy(write_policy(tmp_path, rule, name="b"))
    found = effect(run, leaks(tmp_path, 0.1, "a"), other, TODAY)
    assert (found.old, found.new.startswith("no verdict: ")) == ("pass", True)


def test_a_folder_without_a_verdict_is_refused(tmp_path: Path) -> None:
    one = policy(limit())
    with pytest.raises(AlteredError, match="not a finished run"):
        effect(tmp_path, one, one, TODAY)
    suite = write_suite(tmp_path, "small", planted(5, 0))
    harness.run(suite, out=tmp_path / "runs" / "small")
    with pytest.raises(SpecError, match="never judged"):
        effect(tmp_path / "runs" / "small", one, one, TODAY)


def prints(folder: Path) -> dict[str, str]:
    """The digest of every file of a run."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip
