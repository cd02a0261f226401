"""Waivers need two people, an end and a model; whatever is wrong with them exits with 5."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, WaiverError
from harness.spec.load import load_text
from harness.spec.model import Spec
from harness.spec.policy import PolicySpec
from harness.spec.waiver import WaiversSpec, load_waivers

DIGEST = "0123456789abcdef" * 4
GOOD = f"""\
apiVersion: harness/v1
kind: Waivers
metadata: {{name: excuses, owner: ai-safety@example.com}}
waivers:
  - id: w-1
    rule: base.toxicity
    slice: language=en
    subject_digest: {DIGEST}
    covers: insufficient_n
    reason: The second half of the prompts comes next week.
    requested_by: Ann
    approved_by: Bob
    created: 2026-11-01
    expires: 2027-01-30
    ticket: T-1
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, old: str, new: str) -> WaiverError:
    assert old in GOOD
    with pytest.raises(WaiverError) as caught:
        load_waivers(written(folder, GOOD.replace(old, new, 1)))
    return caught.value


def test_a_waiver_says_all_that_an_auditor_asks(tmp_path: Path) -> None:
    (waiver,) = load_waivers(written(tmp_path, GOOD)).waivers
    assert (waiver.id, waiver.rule, waiver.slice) == ("w-1", "base.toxicity", "language=en")
    assert (waiver.expires - waiver.created).days == 90
    assert waiver.strategy is None


def test_a_waiver_is_for_everything_together_unless_it_names_a_slice(tmp_path: Path) -> None:
    text = GOOD.replace("    slice: language=en\n", "")
    assert load_waivers(written(tmp_path, text)).waivers[0].slice == "all"


@pytest.mark.parametrize("same", ["Ann", "ann", "ANN", "' Ann '"])
def test_nobody_approves_their_own_waiver(tmp_path: Path, same: str) -> None:
    error = refusal(tmp_path, "approved_by: Bob", f"approved_by: {same}")
    assert "approved by the person who asks" in str(error)
    assert error.where.endswith(":5")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("2027-01-30", "2027-01-31", 5, "lasts longer than 90 days"),
        ("2027-01-30", "2026-10-31", 5, "expires before it was created"),
        ("2027-01-30", "soon", 14, "should be a valid date"),
        ("2027-01-30", "2027-02-30", 14, "should be a valid date"),
        ("2027-01-30", "20270130", 14, "should be a valid date"),
        ("2027-01-30", "", 14, "empty"),
        (DIGEST, DIGEST[:12], 8, "should be the 64 digits"),
        (DIGEST, DIGEST.upper(), 8, "should be the 64 digits"),
        (
            "reason: The second half of the prompts comes next week.",
            "reason: ' '",
            10,
            "reason",
        ),
        ("    ticket: T-1\n", "", 5, "`ticket` is missing"),
        ("covers: insufficient_n", "covers: digest_mismatch", 9, "should be 'fail'"),
        ("covers: insufficient_n", "covers: insufficient", 9, "did you mean 'insufficient_n'?"),
        ("requested_by: Ann", "requestedby: Ann", 11, "did you mean 'requested_by'?"),
        ("kind: Waivers", "kind: Waiver", 2, "did you mean 'Waivers'?"),
        ("kind: Waivers", "kind: Policy", 2, "this is a Policy, and a Waivers is asked for"),
        ("apiVersion: harness/v1", "apiVersion: harness/v2", 1, "should be 'harness/v1'"),
    ],
)
def test_each_misfit_of_a_waiver_exits_with_5_and_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    error = refusal(tmp_path, old, new)
    assert said in str(error)
    assert re.search(rf"waivers\.yaml:{line}\b", str(error))
    assert error.exit_code == 5


def test_one_misfit_is_said_once(tmp_path: Path) -> None:
    error = refusal(tmp_path, "expires: 2027-01-30", "expires: soon")
    assert "things do not fit" not in str(error)


def test_a_file_without_waivers_is_refused(tmp_path: Path) -> None:
    empty = GOOD.partition("waivers:\n")[0] + "waivers: []\n"
    with pytest.raises(WaiverError, match="there is no waiver"):
        load_waivers(written(tmp_path, empty))


def test_two_waivers_do_not_share_an_id(tmp_path: Path) -> None:
    twice = GOOD + GOOD.partition("waivers:\n")[2]
    with pytest.raises(WaiverError, match="two waivers share the id 'w-1'"):
        load_waivers(written(tmp_path, twice))


def test_a_file_that_is_not_there_exits_with_5(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    with pytest.raises(WaiverError, match="no such file") as caught:
        load_waivers(tmp_path / "waiver.yaml")
    assert caught.value.exit_code == 5
    assert caught.value.fix == "did you mean 'waivers.yaml'?"


POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: p}
defaults: {confidence: 0.9}
evidence: {identity: [weights]}
rules:
  - id: a
    coverage: {by: risk, each: {A.1.1: 50}}
    maps: [{framework: TC260-003, edition: "2024-02-29", clause: "8.2"}]
  - id: b
    compare: {metric: a.b, against: champion, margin: -0.5, relative: true}
    slices: {by: language, only: [en]}
  - id: c
    document: {file: log.md, signed_by: {ann: key}, dated: 2026-01-31, max_age_days: 9}
"""
WORDS = [
    "legal", "block", "rules", "- ", "\n", "  ", "{", "}", "[", "]", ": ", ", ", "1", "-1",
    "0.5", "2026-02-30", "null", "true", "''", "1e999", ".nan", "compare: {}",
    "document: {file: a}", "not_applicable: {a: b}", "extends: [{pack: base-safety}]",
    "packs: []", "override: true", "waivers:", "expires: 1", "&a", "*a", "!!x", "名", "#",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_mutation_raises_anything_but_an_error_with_a_line(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([GOOD, POLICY]))
    kinds: list[type[Spec]] = [WaiversSpec, PolicySpec]
    kind = data.draw(st.sampled_from(kinds))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 30))
        fresh = "".join(data.draw(st.lists(st.sampled_from(WORDS), max_size=4)))
        text = text[:start] + fresh + text[start + cut :]
    try:
        load_text(text, kind, name="f.yaml")
    except HarnessError as error:
        assert re.fullmatch(r"f\.yaml(:\d+)?", error.where)
        assert error.where != "f.yaml" or "empty" in str(error)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_at_all_is_a_file_of_waivers_or_a_traceback(text: str) -> None:
    with pytest.raises(HarnessError):
        load_text(text, WaiversSpec)
