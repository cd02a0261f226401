"""A policy with all it takes over is one flat policy, and what is legal is never lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SpecError
from harness.spec.extend import load_policy
from harness.spec.library import packs
from harness.spec.load import digest, load
from harness.spec.policy import PolicySpec


def rule(name: str, value: float = 0.1, **more: Any) -> dict[str, Any]:
    return {"id": name, "require": {"metric": "a.b", "op": "<=", "value": value}, **more}


def write(folder: Path, name: str, *rules: dict[str, Any], **more: Any) -> Path:
    """Write a policy; JSON is YAML too."""
    content = {
        "apiVersion": "harness/v1", "kind": "Policy", "metadata": {"name": name},
        "rules": rules, **more,
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def over(*files: str, **more: Any) -> dict[str, Any]:
    return {"extends": [{"file": f"{name}.yaml"} for name in files], **more}


def refused(path: Path) -> SpecError:
    with pytest.raises(SpecError) as caught:
        load_policy(path)
    assert str(path) in caught.value.where
    assert caught.value.exit_code == 64
    return caught.value


def test_a_policy_that_extends_nothing_is_what_it_says(tmp_path: Path) -> None:
    found = load_policy(write(tmp_path, "own", rule("a"), defaults={"confidence": 0.9}))
    assert [r.id for r in found.rules] == ["a"]
    assert found.rules[0].confidence == 0.9
    assert (found.extends, found.packs) == ((), ())


def test_rules_come_in_order_those_taken_over_first(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"))
    write(tmp_path, "left", rule("b"), **over("base"))
    write(tmp_path, "right", rule("c"))
    found = load_policy(write(tmp_path, "own", rule("d"), **over("left", "right")))
    assert [r.id for r in found.rules] == ["a", "b", "c", "d"]
    assert found.metadata.name == "own"


def test_a_file_lies_beside_the_policy_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    write(tmp_path / "shared", "deep", rule("a"))
    write(tmp_path / "shared", "base", **over("deep"))
    own = write(tmp_path, "own", extends=[{"file": "shared/base.yaml"}])
    assert [r.id for r in load_policy(own).rules] == ["a"]


def test_each_rule_keeps_the_defaults_of_its_own_file(tmp_path: Path) -> None:
    strict = {"confidence": 0.99, "decide": "both", "max_unscored": 0.0, "n_min": 300}
    write(tmp_path, "base", rule("a"), rule("b", confidence=0.9), defaults=strict)
    own = write(tmp_path, "own", rule("c"), defaults={"confidence": 0.8}, **over("base"))
    a, b, c = load_policy(own).rules
    assert (a.confidence, a.decide, a.max_unscored, a.n_min) == (0.99, "both", 0.0, 300)
    assert (b.confidence, b.decide) == (0.9, "both")
    assert (c.confidence, c.decide, c.max_unscored, c.n_min) == (0.8, "bound", 0.02, 1)


def test_clustering_is_taken_over_where_the_file_says_nothing_of_it(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"), defaults={"cluster_by": "conversation"})
    silent = write(tmp_path, "silent", defaults={"confidence": 0.9}, **over("base"))
    spoken = write(tmp_path, "spoken", defaults={"cluster_by": "prompt_id"}, **over("base"))
    assert load_policy(silent).defaults.cluster_by == "conversation"
    assert load_policy(silent).defaults.confidence == 0.9
    assert load_policy(spoken).defaults.cluster_by == "prompt_id"


# Overriding.


def test_a_rule_is_replaced_in_its_place_only_by_one_that_says_so(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"), rule("b"))
    mine = rule("a", 0.2, override=True)
    found = load_policy(write(tmp_path, "own", mine, rule("c"), **over("base")))
    assert [(r.id, r.require.value) for r in found.rules if r.require] == [
        ("a", 0.2), ("b", 0.1), ("c", 0.1),
    ]  # fmt: skip
    error = refused(write(tmp_path, "own", rule("a", 0.2), **over("base")))
    assert "has this rule already" in str(error)
    assert "override: true" in error.fix


def test_an_override_of_nothing_is_a_slip(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"))
    error = refused(write(tmp_path, "own", rule("aa", override=True), **over("base")))
    assert "replaces nothing" in str(error)
    assert "'aa'" in error.where
    refused(write(tmp_path, "alone", rule("a", override=True)))


@pytest.mark.parametrize("override", [True, False])
def test_a_legal_rule_is_never_overridden_however_deep_it_lies(
    tmp_path: Path, override: bool
) -> None:
    write(tmp_path, "law", rule("a", severity="legal"))
    write(tmp_path, "between", rule("b"), **over("law"))
    mine = rule("a", 0.9, override=override)
    error = refused(write(tmp_path, "own", mine, **over("between")))
    assert "a legal rule cannot be overridden" in str(error)


def test_two_policies_with_different_rules_of_one_id_collide(tmp_path: Path) -> None:
    write(tmp_path, "left", rule("a", 0.1))
    write(tmp_path, "right", rule("a", 0.2))
    error = refused(write(tmp_path, "own", **over("left", "right")))
    assert "two of the policies it extends have a rule 'a'" in str(error)


def test_one_policy_on_two_ways_is_taken_once(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a", severity="legal"))
    write(tmp_path, "left", rule("b"), **over("base"))
    write(tmp_path, "right", rule("c"), **over("base"))
    found = load_policy(write(tmp_path, "own", **over("left", "right")))
    assert [r.id for r in found.rules] == ["a", "b", "c"]


def test_equal_rules_under_unlike_defaults_collide(tmp_path: Path) -> None:
    write(tmp_path, "left", rule("a"), defaults={"confidence": 0.9})
    write(tmp_path, "right", rule("a"))
    refused(write(tmp_path, "own", **over("left", "right")))


# Circles and what is not there.


def test_a_policy_that_extends_itself_is_refused_with_the_way_round(tmp_path: Path) -> None:
    write(tmp_path, "a", rule("a"), **over("b"))
    write(tmp_path, "b", rule("b"), **over("c"))
    write(tmp_path, "c", rule("c"), **over("b"))
    error = refused(tmp_path / "b.yaml")
    with pytest.raises(SpecError, match="a policy extends itself"):
        load_policy(tmp_path / "a.yaml")
    assert error.where.count("b.yaml") == 2
    refused(write(tmp_path, "self", rule("a"), **over("self")))


def test_a_file_or_pack_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        load_policy(write(tmp_path, "own", rule("a"), **over("none")))
    own = write(tmp_path, "own", rule("a"), extends=[{"pack": "base-safty"}])
    error = refused(own)
    assert "no pack called 'base-safty'" in str(error)
    assert error.fix == "did you mean 'base-safety'?"
    own = write(tmp_path, "own", rule("a"), extends=[{"pack": "xyz"}])
    assert "tc260-003" in refused(own).fix


def test_a_misfit_in_what_is_extended_is_named_with_that_files_line(tmp_path: Path) -> None:
    write(tmp_path, "base", {**rule("a"), "sevrity": "block"})
    with pytest.raises(SpecError, match="did you mean 'severity'") as caught:
        load_policy(write(tmp_path, "own", **over("base")))
    assert "base.yaml:" in caught.value.where


# Evidence: the stricter of both.


def test_evidence_is_what_satisfies_every_policy(tmp_path: Path) -> None:
    base = {
        "identity": ["weights", "corpus"], "prompts": 500, "scorers": {"x": "a" * 12},
        "max_age_days": 7,
    }  # fmt: skip
    mine = {"identity": ["weights", "declared"], "prompts": 100, "scorers": {"y": "b" * 12}}
    write(tmp_path, "base", rule("a"), evidence=base)
    found = load_policy(write(tmp_path, "own", evidence=mine, **over("base"))).evidence
    assert (found.identity, found.prompts, found.suite) == (("weights",), 500, None)
    assert found.scorers == {"x": "a" * 12, "y": "b" * 12}
    assert found.max_age_days == 7


def test_evidence_asked_for_below_is_not_lost(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"), evidence={"suite": "a" * 64, "identity": ["weights"]})
    found = load_policy(write(tmp_path, "own", **over("base"))).evidence
    assert (found.suite, found.identity) == ("a" * 64, ("weights",))


@pytest.mark.parametrize(
    ("below", "mine", "said"),
    [
        ({"identity": ["weights"]}, {"identity": ["declared"]}, "suits all policies"),
        ({"suite": "a" * 64}, {"suite": "b" * 64}, "two `evidence.suite` digests"),
        ({"scorers": {"x": "a" * 12}}, {"scorers": {"x": "b" * 12}}, "of scorer 'x'"),
    ],
)
def test_evidence_that_nothing_could_be_is_refused(
    tmp_path: Path, below: dict[str, Any], mine: dict[str, Any], said: str
) -> None:
    write(tmp_path, "base", rule("a"), evidence=below)
    assert said in str(refused(write(tmp_path, "own", evidence=mine, **over("base"))))


# What does not apply.


def test_a_rule_that_is_taken_over_may_not_apply_for_a_written_reason(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"), rule("b"))
    own = write(tmp_path, "own", not_applicable={"b": "no pictures"}, **over("base"))
    assert load_policy(own).not_applicable == {"b": "no pictures"}
    bare = write(tmp_path, "own", not_applicable={"b": " "}, **over("base"))
    assert "needs a written reason" in str(refused(bare))


def test_a_legal_rule_that_is_taken_over_always_applies(tmp_path: Path) -> None:
    write(tmp_path, "law", rule("a", severity="legal"), rule("b"))
    own = write(tmp_path, "own", not_applicable={"a": "we are special"}, **over("law"))
    assert "it always applies" in str(refused(own))


def test_an_exception_for_no_rule_at_all_is_a_slip(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"))
    own = write(tmp_path, "own", not_applicable={"aa": "why not"}, **over("base"))
    assert "names 'aa', which is no rule here" in str(refused(own))


def test_a_rule_stated_anew_applies_again(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"), rule("b"), not_applicable={"b": "not there"})
    silent = write(tmp_path, "silent", **over("base"))
    anew = write(tmp_path, "anew", rule("b", 0.2, override=True), **over("base"))
    assert load_policy(silent).not_applicable == {"b": "not there"}
    assert load_policy(anew).not_applicable == {}


def test_nothing_left_that_could_block_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"))
    gone = write(tmp_path, "gone", not_applicable={"a": "not for us"}, **over("base"))
    assert "nothing could ever fail" in str(refused(gone))
    tamed = rule("a", override=True, severity="warn")
    assert "nothing could ever fail" in str(
        refused(write(tmp_path, "t", tamed, **over("base")))
    )


# Packs and digests.

PACK = {"source": "a law", "grade": "secondary"}


def test_packs_are_gathered_each_once(tmp_path: Path) -> None:
    write(tmp_path, "left", rule("a"), pack={"name": "left", **PACK})
    write(tmp_path, "right", rule("b"), pack={"name": "right", **PACK}, **over("left"))
    found = load_policy(write(tmp_path, "own", **over("left", "right")))
    assert [pack.name for pack in found.packs] == ["left", "right"]
    assert found.pack is None


def test_packs_are_not_written_by_hand(tmp_path: Path) -> None:
    own = write(tmp_path, "own", rule("a"), packs=[{"name": "p", **PACK}])
    assert "written by harness" in str(refused(own))


def test_every_pack_is_taken_over_by_its_name_and_together(tmp_path: Path) -> None:
    for name in packs():
        own = write(tmp_path, "own", rule("mine"), extends=[{"pack": name}])
        found = load_policy(own)
        assert [pack.name for pack in found.packs] == [name]
        assert found.rules[-1].id == "mine"
    own = write(tmp_path, "own", extends=[{"pack": name} for name in packs()])
    assert [pack.name for pack in load_policy(own).packs] == list(packs())


def test_the_digest_is_of_the_meaning_and_covers_what_is_taken_over(tmp_path: Path) -> None:
    write(tmp_path, "base", rule("a"))
    own = write(tmp_path, "own", rule("b"), **over("base"))
    first = digest(load_policy(own))
    assert digest(load_policy(own)) == first

    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", "base", rule("a"), defaults={"confidence": 0.95})
    assert (
        digest(load_policy(write(tmp_path / "sub", "own", rule("b"), **over("base")))) == first
    )

    write(tmp_path, "base", rule("a", 0.11))
    assert digest(load_policy(own)) != first


def test_a_flat_policy_reads_as_itself_once_it_is_stored(tmp_path: Path) -> None:
    own = write(tmp_path, "own", rule("b"), extends=[{"pack": name} for name in packs()])
    flat = load_policy(own)
    again = PolicySpec.model_validate_json(json.dumps(flat.model_dump(mode="json")))
    assert again == flat
    assert digest(again) == digest(flat)
    assert load(own, PolicySpec) != flat
