"""A policy that names what a suite has not is refused before anything is generated."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.flow.plan import Plan, plan
from harness.flow.policy.fit import check_fit
from harness.flow.run import run
from harness.spec.extend import load_policy
from harness.spec.library import packs
from harness.spec.load import load
from harness.spec.suite import SuiteSpec
from tests.flow.suites import LEAKS, planted, write_policy, write_suite

TAGGED = '  - {id: r, require: {metric: privacy.leak_rate, op: "<=", value: 0.9}, slices: %s}'
AGAINST = "  - {id: r, compare: {metric: privacy.leak_rate, margin: 0.1, against: '%s'}}"


def asks(metric: str, op: str = "<=", value: float = 0.5, more: str = "") -> str:
    return f'  - {{id: r, require: {{metric: {metric}, op: "{op}", value: {value}}}{more}}}'


def suite(folder: Path, name: str = "small") -> Plan:
    path = write_suite(folder, name, planted(20, 0))
    return plan(load(path, SuiteSpec), path.parent)


def checked(path: Path, planned: Plan | None = None) -> tuple[str, ...]:
    return check_fit(path, load_policy(path), planned)


def refused(path: Path, planned: Plan | None = None) -> SpecError:
    with pytest.raises(SpecError) as caught:
        checked(path, planned)
    return caught.value


def test_a_policy_that_fits_has_nothing_to_note(tmp_path: Path) -> None:
    sliced = TAGGED % "{by: topic, only: [t0, t1]}"
    path = write_policy(tmp_path, LEAKS, sliced, more="defaults: {cluster_by: topic}")
    assert checked(path, suite(tmp_path)) == ()
    assert checked(path) == ()


@pytest.mark.parametrize(
    ("rule", "said", "fix"),
    [
        (asks("privacy.leek_rate"), "has no metric privacy.leek_rate", "'leak_rate'"),
        (asks("privcy.leak_rate"), "no scorer measures", "'privacy.leak_rate'"),
        (asks("mine.joy"), "no scorer measures mine.joy", "harness list metrics"),
        (asks("toxicity.any_rat"), "with its default options", "'toxicity.any_rate'"),
        (TAGGED % "{by: tpic}", "has the tag 'tpic'", "did you mean 'topic'?"),
        (TAGGED % "{by: zzzz}", "has the tag 'zzzz'", "its prompts have topic"),
        (TAGGED % "{by: topic, only: [t0, t7]}", "tagged topic=t7", "there are: t0, t1"),
        (TAGGED % "{by: topic, only: [xyz]}", "tagged topic=xyz", "there are: t0, t1"),
        (AGAINST % "strategy:defalt", "no strategy 'defalt'", "'strategy:default'"),
        (AGAINST % "generator:other", "no generator 'other'", "generator:model"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("severity", ["block", "warn"])
def test_a_name_that_is_not_there_is_an_error_with_its_line(
    tmp_path: Path, rule: str, said: str, fix: str, severity: str
) -> None:
    rule = f"{rule[:-1]}, severity: {severity}}}"
    error = refused(write_policy(tmp_path, LEAKS, rule), suite(tmp_path))
    assert said in str(error.args[0])
    assert fix in error.fix
    assert error.where == f"{tmp_path}/policy.yaml:7"
    assert error.exit_code == 64


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (asks("privacy.leak_rate", value=5), "always holds: it lies in [0, 1]"),
        (asks("privacy.leak_rate", ">=", -1), "always holds"),
        (asks("privacy.leak_rate", ">=", 95), "never holds"),
        (asks("privacy.leak_rate", "<=", -0.1), "never holds"),
        (asks("privacy.leak_rate", "<=", 5, ", severity: observe"), "always holds"),
        (asks("privacy.secret_count", "==", -1), "never holds: it lies in [0, inf)"),
        (asks("privacy.leak_rate", "<=", 1), "always holds"),
        (asks("privacy.secret_count", ">=", 0), "always holds"),
        (
            "  - {id: r, compare: {metric: privacy.leak_rate, against: champion, margin: 2}}",
            "are never 2 apart",
        ),
    ],
)
def test_a_limit_outside_of_its_metric_s_range_is_an_error_with_a_suite_and_without(
    tmp_path: Path, rule: str, said: str
) -> None:
    path = write_policy(tmp_path, LEAKS, rule)
    for planned in (None, suite(tmp_path)):
        error = refused(path, planned)
        assert said in str(error.args[0])
        assert error.where == f"{path}:7"


def test_a_percentage_is_read_for_the_share_it_was_meant_as(tmp_path: Path) -> None:
    error = refused(write_policy(tmp_path, asks("privacy.leak_rate", value=5)))
    assert error.fix == "write 5 per cent as 0.05"


def test_a_limit_at_the_end_of_the_range_may_be_listed(tmp_path: Path) -> None:
    listed = asks("privacy.leak_rate", "<=", 1, ", severity: observe")
    assert checked(write_policy(tmp_path, LEAKS, listed), suite(tmp_path)) == ()


def test_everything_that_does_not_fit_is_said_at_once(tmp_path: Path) -> None:
    rules = [LEAKS, asks("privacy.leek_rate"), asks("length.words", ">=", -1, ", n_min: 3")]
    rules[2] = rules[2].replace("id: r", "id: s")
    text = str(
        refused(
            write_policy(tmp_path, *rules, more="defaults: {cluster_by: speaker}"),
            suite(tmp_path),
        )
    )
    assert text.startswith("3 things in")
    for part in ("`cluster_by`", "policy.yaml:7", "'leak_rate'", "policy.yaml:8", "rule 's'"):
        assert part in text


def test_a_rule_that_does_not_apply_is_not_held_to_the_suite(tmp_path: Path) -> None:
    more = "not_applicable: {r: This shop has none.}"
    path = write_policy(tmp_path, LEAKS, asks("mine.joy", value=5), more=more)
    assert checked(path, suite(tmp_path)) == ()


def test_a_scorer_that_this_suite_lacks_is_a_note(tmp_path: Path) -> None:
    path = write_policy(tmp_path, LEAKS, asks("toxicity.any_rate"), asks_detoxify())
    notes = checked(path, suite(tmp_path))
    assert [note.rpartition("measures ")[2] for note in notes] == [
        "toxicity.any_rate, so it cannot pass", "detoxify.any_rate, so it cannot pass",
    ]  # fmt: skip
    assert notes[0].startswith(f"{path}:7: rule 'r': no scorer of 'small'")
    assert checked(path) == ()


def asks_detoxify() -> str:
    """A metric of a scorer that is installed and cannot be made without options."""
    return asks("detoxify.any_rate").replace("id: r", "id: s")


def test_a_pack_s_scorers_that_do_not_ship_are_notes(tmp_path: Path) -> None:
    own = write_policy(tmp_path, LEAKS, more="extends: [{pack: tc260-003}]")
    notes = checked(own, suite(tmp_path))
    assert any("refusal.rate" in note and "tc260-003.yaml:" in note for note in notes)
    assert checked(own) == ()
    assert checked(packs()["ailuminate-style"], suite(tmp_path))  # its reference model


def test_a_name_a_suite_gives_its_scorer_counts_before_the_installation(tmp_path: Path) -> None:
    path = write_suite(tmp_path, "named", planted(20, 0))
    path.write_text(path.read_text().replace("{use: privacy}", "{use: privacy, name: pii}"))
    planned = plan(load(path, SuiteSpec), tmp_path)
    assert checked(write_policy(tmp_path, asks("pii.leak_rate")), planned) == ()
    mistaken = write_policy(tmp_path, asks("pii.leak_rate", value=5), name="mistaken")
    assert "always holds" in str(refused(mistaken, planned))
    policy = write_policy(tmp_path, LEAKS, asks("pii.leak_rate"), name="both")
    other = suite(tmp_path)
    assert "no scorer measures pii.leak_rate" in str(refused(policy, other))
    assert check_fit(policy, load_policy(policy), other, [planned, other])


def test_a_run_stops_before_anything_is_written_and_notes_what_cannot_pass(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, out = write_suite(tmp_path, "small", planted(20, 0)), tmp_path / "runs" / "a"
    with pytest.raises(SpecError, match="has no metric"):
        run(path, write_policy(tmp_path, asks("privacy.leek_rate")), out=out)
    assert not out.exists()
    with caplog.at_level(logging.WARNING, "harness"):
        view, _ = run(path, write_policy(tmp_path, asks("toxicity.any_rate")), out=out)
    assert view.outcome == "inconclusive"
    assert view.verdicts[0].findings[0].cause == "missing_metric"
    assert "no scorer of 'small' measures toxicity.any_rate" in caplog.text
