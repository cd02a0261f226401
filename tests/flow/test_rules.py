"""What a run is judged by: refused before anything rests on it, kept with the run after."""

import json
from datetime import date
from pathlib import Path

import pytest

from harness.engine.store import Store
from harness.errors import AlteredError, WaiverError
from harness.flow.assess import rejudge, review
from harness.flow.run import Options, run
from harness.ledger.seal import verify
from harness.records import RunView
from tests.flow.suites import LEAKS, planted, write_policy, write_suite

TODAY = date(2026, 11, 25)
WAIVERS = """\
apiVersion: harness/v1
kind: Waivers
metadata: {{name: w}}
waivers:
  - id: mended-soon
    rule: {rule}
    covers: {covers}
    subject_digest: "{subject}"
    reason: The fix is in review.
    requested_by: ann
    approved_by: bob
    created: 2026-11-01
    expires: {expires}
    ticket: T-1
"""


def waivers(folder: Path, subject: str, **changes: str) -> Path:
    plain = {"rule": "leaks", "covers": "fail", "expires": "2026-12-01"}
    path = folder / "waivers.yaml"
    path.write_text(WAIVERS.format(**{**plain, **changes}, subject=subject))
    return path


@pytest.fixture
def failed(tmp_path: Path) -> tuple[Path, str]:
    """A run that leaks too often, beside a rule that passes; and its subject's digest."""
    suite = write_suite(tmp_path, "model", planted(200, 60))
    few = '  - {id: words, require: {metric: length.words, op: ">=", value: 2}}'
    view, folder = run(suite, write_policy(tmp_path, LEAKS, few), out=tmp_path / "runs" / "a")
    assert view.outcome == "fail"
    return folder, view.digests["subjects"]["model"]


def judged(folder: Path, waiver: Path, today: date = TODAY) -> RunView:
    policy = folder.parents[1] / "policy.yaml"
    return rejudge(folder, policy, waivers=waiver, today=today)


def test_a_waiver_turns_a_fail_into_waived_and_is_shown(failed: tuple[Path, str]) -> None:
    folder, subject = failed
    view = judged(folder, waivers(folder.parents[1], subject))
    assert view.outcome == "pass"
    assert view.verdicts[0].findings[0].cause == "waiver:mended-soon"
    assert [(e.id, e.used) for e in view.excuses] == [("mended-soon", 1)]
    assert view.judged_on == "2026-11-25"
    assert review(folder).outcome == "pass"
    for name in ("report.html", "report.md", "junit.xml", "decision.json"):
        assert "mended-soon" in (folder / name).read_text(), name


def test_an_expired_waiver_is_refused_and_leaves_the_run_as_it_was(
    failed: tuple[Path, str],
) -> None:
    folder, subject = failed
    seal = verify(folder)
    path = waivers(folder.parents[1], subject, expires="2026-11-20")
    with pytest.raises(WaiverError, match="today is 2026-11-25") as raised:
        judged(folder, path)
    assert raised.value.exit_code == 5
    assert verify(folder) == seal


@pytest.mark.parametrize("rule", ["leeks", "words2"])
def test_a_waiver_for_a_rule_that_is_not_there_is_refused(
    failed: tuple[Path, str], rule: str
) -> None:
    folder, subject = failed
    with pytest.raises(WaiverError, match="has no rule"):
        judged(folder, waivers(folder.parents[1], subject, rule=rule))


def test_a_waiver_for_another_model_excuses_nothing_and_is_named(
    failed: tuple[Path, str],
) -> None:
    folder, _ = failed
    view = judged(folder, waivers(folder.parents[1], "0" * 64))
    assert view.outcome == "fail"
    assert any("mended-soon excuses nothing" in notice for notice in view.notices)


def test_a_waiver_of_a_fail_does_not_cover_too_few_prompts(
    failed: tuple[Path, str],
) -> None:
    folder, subject = failed
    view = judged(folder, waivers(folder.parents[1], subject, covers="insufficient_n"))
    assert view.outcome == "fail"


def test_its_own_waivers_are_kept_until_another_policy_is_named(
    failed: tuple[Path, str],
) -> None:
    folder, subject = failed
    judged(folder, waivers(folder.parents[1], subject))
    assert rejudge(folder, None, today=TODAY).outcome == "pass"
    with pytest.raises(WaiverError):
        rejudge(folder, None, today=date(2027, 1, 1))
    assert rejudge(folder, folder.parents[1] / "policy.yaml", today=TODAY).outcome == "fail"
    assert not (folder / "waivers.json").exists()


def test_its_own_rules_are_those_it_was_judged_by_and_none_edited_in(
    failed: tuple[Path, str],
) -> None:
    folder, _ = failed
    own = folder / "policy.json"
    own.write_text(own.read_text().replace("0.05", "0.95"))
    with pytest.raises(AlteredError, match="own rules were changed"):
        rejudge(folder, None, today=TODAY)
    assert rejudge(folder, folder.parents[1] / "policy.yaml", today=TODAY).outcome == "fail"
    (folder / "waivers.json").write_text("[]")
    with pytest.raises(AlteredError, match=r"added: waivers\.json"):
        rejudge(folder, None, today=TODAY)


def test_an_expired_waiver_stops_a_run_before_anything_is_generated(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, "model", planted(20, 0))
    how = Options(
        out=tmp_path / "runs" / "a",
        waivers=waivers(tmp_path, "0" * 64, expires="2026-11-20"),
        today=TODAY,
    )
    with pytest.raises(WaiverError):
        run(suite, write_policy(tmp_path), how)
    assert not (tmp_path / "runs").exists()


def test_the_stored_policy_is_flat_and_whole(failed: tuple[Path, str]) -> None:
    folder, _ = failed
    stored = Store(folder).read_json("policy.json")
    assert stored["extends"] == []
    assert all(rule["confidence"] == 0.95 for rule in stored["rules"])
    assert json.dumps(stored, sort_keys=True)
