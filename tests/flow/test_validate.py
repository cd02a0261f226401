"""Files are checked as far as can be without a model, with the line of what does not fit."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from harness.errors import SpecError, WaiverError
from harness.flow.validate import schema_of, validate, validate_together
from harness.spec.library import folder, names, packs
from tests.flow.suites import LEAKS, planted, write_policy, write_suite

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: small}
generators: [{use: echo}]
prompts:
  - {items: [one, two]}
scorers: [{use: length}]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    return path


def test_every_shipped_file_fits() -> None:
    for name in names("suites"):
        assert validate(folder("suites") / f"{name}.yaml").startswith("suite ")
    for name in names("policies"):
        assert validate(folder("policies") / f"{name}.yaml").startswith("policy ")
    for name, path in packs().items():
        assert validate(path).startswith(f"policy {name}, ")


def test_a_suite_is_summed_up_in_cases(tmp_path: Path) -> None:
    found = validate(written(tmp_path, SUITE))
    assert found == "suite small, 2 prompts x 1 arm = 2 cases, 1 scorer"


def test_a_misspelt_key_is_found_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, SUITE.replace("scorers:", "scorer:"))
    with pytest.raises(SpecError) as caught:
        validate(path)
    assert f"{path}:7" in str(caught.value)
    assert "scorers" in str(caught.value)


def test_options_and_prompts_are_checked_too(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="options of 'echo'"):
        validate(written(tmp_path, SUITE.replace("use: echo", "use: echo, options: {time: 2}")))
    with pytest.raises(SpecError, match="no such file"):
        validate(written(tmp_path, SUITE.replace("items: [one, two]", "file: none.jsonl")))


def test_a_policy_is_known_by_its_kind(tmp_path: Path) -> None:
    path = written(tmp_path, "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: p}\n")
    with pytest.raises(SpecError, match="there is no rule"):
        validate(path)


def test_a_policy_is_checked_with_all_that_it_extends(tmp_path: Path) -> None:
    head = "apiVersion: harness/v1\nkind: Policy\nmetadata: {name: p}\n"
    path = written(tmp_path, head + "extends: [{pack: base-safety}]\n")
    assert validate(path) == "policy p, 3 rules"
    path = written(tmp_path, head + "extends: [{pack: base-safty}]\n")
    with pytest.raises(SpecError, match="no pack called 'base-safty'"):
        validate(path)


WAIVERS = """\
apiVersion: harness/v1
kind: Waivers
metadata: {name: excuses}
waivers:
  - {id: w, rule: r, subject_digest: DIGEST, covers: fail, reason: known, requested_by: Ann,
     approved_by: Bob, created: 2026-11-01, expires: 2026-12-01, ticket: T-1}
"""


def test_waivers_are_checked_and_wrong_ones_exit_as_waivers_do(tmp_path: Path) -> None:
    good = WAIVERS.replace("DIGEST", "ab" * 32)
    assert validate(written(tmp_path, good)) == "waivers excuses, 1 waiver"
    path = written(tmp_path, good.replace("Bob", "ann"))
    with pytest.raises(WaiverError, match="approved by the person who asks") as caught:
        validate(path)
    assert caught.value.where == f"{path}:5"
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("Polcy", "did you mean 'Policy'?"), ("policy", "did you mean 'Policy'?"),
        ("suites", "did you mean 'Suite'?"), ("Nonsense", "one of Suite, Policy, Waivers"),
    ],
)  # fmt: skip
def test_a_kind_that_there_is_not_is_no_suite(tmp_path: Path, kind: str, hint: str) -> None:
    path = written(tmp_path, SUITE.replace("kind: Suite", f"kind: {kind}"))
    with pytest.raises(SpecError, match=f"there is no kind '{kind}'") as caught:
        validate(path)
    assert (caught.value.where, caught.value.fix) == (f"{path}:2", hint)


def test_a_kind_in_quotes_is_the_same_kind(tmp_path: Path) -> None:
    path = write_policy(tmp_path)
    path.write_text(path.read_text().replace("kind: Policy", '"kind": "Policy"'))
    assert validate(path) == "policy p, 1 rule"


def test_a_policy_is_held_against_each_suite_beside_it(tmp_path: Path) -> None:
    today = date(2026, 11, 25)
    suite = write_suite(tmp_path, "small", planted(20, 0))
    absent = LEAKS.replace("id: leaks", "id: tox").replace("privacy.leak", "toxicity.any")
    policy = write_policy(tmp_path, LEAKS, absent)
    assert validate_together([policy], today).notes == ()
    found = validate_together([policy, suite], today)
    assert list(found.summaries) == [str(policy), str(suite)]
    (note,) = found.notes
    assert "no scorer of 'small' measures toxicity.any_rate, so it cannot pass" in note
    wrong = write_policy(tmp_path, LEAKS.replace("}}", "}, slices: {by: lang}}"), name="w")
    assert validate_together([wrong], today).notes == ()
    with pytest.raises(SpecError, match="has the tag 'lang'"):
        validate_together([wrong, suite], today)


def test_waivers_are_held_against_the_day_and_the_policy_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(WAIVERS.replace("DIGEST", "ab" * 32))
    policy = write_policy(tmp_path)
    assert validate_together([path], date(2026, 11, 25)).summaries
    with pytest.raises(WaiverError, match="today is 2026-12-02"):
        validate_together([path], date(2026, 12, 2))
    with pytest.raises(WaiverError, match="has no rule 'r'"):
        validate_together([path, policy], date(2026, 11, 25))


def test_a_file_that_is_not_there_is_said_with_its_neighbour(tmp_path: Path) -> None:
    written(tmp_path, SUITE)
    with pytest.raises(SpecError, match="no such file") as caught:
        validate(tmp_path / "fil.yaml")
    assert "file.yaml" in caught.value.fix


@pytest.mark.parametrize("kind", ["suite", "policy", "waivers"])
def test_a_schema_is_json_and_names_every_key(kind: str) -> None:
    found = schema_of(kind)
    assert {"apiVersion", "kind", "metadata"} <= found["properties"].keys()
    assert json.dumps(found, allow_nan=False)


def test_an_unknown_schema_gets_a_suggestion() -> None:
    with pytest.raises(SpecError) as caught:
        schema_of("polcy")
    assert caught.value.fix == "did you mean 'policy'?"


def test_checking_a_suite_of_a_model_loads_no_model() -> None:
    code = (
        "import sys; from harness.flow.validate import validate;"
        "from harness.spec.library import resolve; validate(resolve('suites', 'quickstart'));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
