"""Attempts: the seed is committed first, and trying again after a fail is no pass."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.assess import rejudge, review
from harness.flow.attempts import NAME
from harness.flow.run import run
from harness.ledger.journal import Journal
from harness.ledger.seal import seal
from harness.records import Case, Failure, Generated, RunView
from harness.spec.suite import SuiteSpec
from tests.flow.suites import LEAKS, planted, write_policy, write_suite
from tests.flow.test_rules import TODAY, waivers


def gate(folder: Path, bad: int, *, seed: int, out: str, more: str = "") -> RunView:
    """Judge 200 outputs of one model; the seed alone tells tries apart."""
    suite = write_suite(folder, "model", planted(200, bad), seed=seed)
    view, _ = run(suite, write_policy(folder, LEAKS, more=more), out=folder / "runs" / out)
    return view


def entries(folder: Path) -> list[dict[str, object]]:
    return Journal(folder / "runs" / NAME).read()


def causes(view: RunView) -> set[str]:
    return {f.cause for verdict in view.verdicts for f in verdict.findings}


def test_the_seed_is_written_down_before_anything_is_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[object]] = []
    from harness.generators.files import Files

    whole = Files.generate

    def watched(self: Files, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        seen.append([entry["event"] for entry in entries(tmp_path)])
        return whole(self, cases)

    monkeypatch.setattr(Files, "generate", watched)
    gate(tmp_path, 0, seed=7, out="a")
    assert seen[0] == ["planned"]
    planned, decided = entries(tmp_path)
    assert (planned["seed"], decided["outcome"]) == (7, "pass")


def test_another_seed_after_a_fail_is_an_unplanned_retry(tmp_path: Path) -> None:
    assert gate(tmp_path, 30, seed=1, out="first").outcome == "fail"
    again = gate(tmp_path, 30, seed=2, out="second")
    assert again.outcome == "fail"  # a retry never turns a fail into less
    assert "unplanned_retry" in causes(again)
    assert [a.seed for a in again.attempts] == [1]
    assert review(tmp_path / "runs" / "second").outcome == "fail"


def test_a_retry_that_would_pass_is_inconclusive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.generators.files import Files

    monkeypatch.setattr(Files, "weights", {})  # one model, whatever its outputs: luck
    assert gate(tmp_path, 30, seed=1, out="first").outcome == "fail"
    lucky = gate(tmp_path, 0, seed=2, out="second")
    assert lucky.outcome == "inconclusive"
    assert causes(lucky) == {"evidence", "unplanned_retry"}


def test_another_model_after_a_fail_is_no_retry(tmp_path: Path) -> None:
    assert gate(tmp_path, 30, seed=1, out="first").outcome == "fail"
    mended = gate(tmp_path, 0, seed=2, out="second")
    assert mended.outcome == "pass"
    assert not mended.attempts


def test_the_same_plan_again_is_no_retry(tmp_path: Path) -> None:
    assert gate(tmp_path, 30, seed=1, out="a").outcome == "fail"
    again = gate(tmp_path, 30, seed=1, out="a")
    assert not again.attempts
    assert "unplanned_retry" not in causes(again)
    assert len(entries(tmp_path)) == 2


def test_judging_again_by_another_policy_is_no_retry(tmp_path: Path) -> None:
    gate(tmp_path, 30, seed=1, out="a")
    lax = write_policy(tmp_path, LEAKS.replace("0.05", "0.5"), name="lax")
    assert rejudge(tmp_path / "runs" / "a", lax).outcome == "pass"
    events = [(e["event"], e.get("outcome")) for e in entries(tmp_path)]
    assert events == [("planned", None), ("decided", "fail"), ("decided", "pass")]


def test_planned_attempts_are_allowed_and_held_to_a_stricter_bound(tmp_path: Path) -> None:
    more = "attempts: 2"
    first = gate(tmp_path, 30, seed=1, out="a", more=more)
    assert first.outcome == "fail"
    second = gate(tmp_path, 30, seed=2, out="b", more=more)
    assert "unplanned_retry" not in causes(second)
    assert {m.confidence for m in second.metrics} == {0.975}
    third = gate(tmp_path, 30, seed=3, out="c", more=more)
    assert "unplanned_retry" in causes(third)


def test_a_run_whose_commitment_is_gone_does_not_pass(tmp_path: Path) -> None:
    assert gate(tmp_path, 0, seed=1, out="a").outcome == "pass"
    (tmp_path / "runs" / NAME).unlink()
    (tmp_path / "runs" / "a" / "attempts.json").unlink()
    view = rejudge(tmp_path / "runs" / "a", tmp_path / "policy.yaml")
    assert view.outcome == "inconclusive"
    assert "unplanned_retry" in causes(view)


def test_a_changed_journal_stops_the_next_run(tmp_path: Path) -> None:
    gate(tmp_path, 30, seed=1, out="a")
    journal = tmp_path / "runs" / NAME
    journal.write_text(journal.read_text().replace('"outcome":"fail"', '"outcome":"pass"'))
    with pytest.raises(AlteredError, match="not what was written"):
        gate(tmp_path, 30, seed=2, out="b")


def test_the_facts_in_the_run_hold_no_path_and_no_text(tmp_path: Path) -> None:
    gate(tmp_path, 30, seed=1, out="a")
    gate(tmp_path, 30, seed=2, out="b")
    facts = (tmp_path / "runs" / "b" / "attempts.json").read_text()
    assert str(tmp_path) not in facts
    assert "question" not in facts
    store = Store(tmp_path / "runs" / "b")
    assert SuiteSpec.model_validate_json(json.dumps(store.read_json("suite.json"))).seed == 2


def test_another_name_in_the_suite_is_no_other_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.generators.files import Files

    monkeypatch.setattr(Files, "weights", {})  # one model, whatever its outputs: luck
    assert gate(tmp_path, 30, seed=1, out="first").outcome == "fail"
    suite = write_suite(tmp_path, "model", planted(200, 0), seed=2)
    renamed = suite.read_text().replace("{name: model, use: files", "{name: other, use: files")
    suite.write_text(renamed.replace("scorers:", "strategies: [{name: again}]\nscorers:"))
    view, _ = run(suite, tmp_path / "policy.yaml", out=tmp_path / "runs" / "second")
    assert view.verdicts[0].generator == "other"
    assert "unplanned_retry" in causes(view)


def test_a_fail_under_another_policy_is_told_wherever_the_model_is_judged(
    tmp_path: Path,
) -> None:
    gate(tmp_path, 30, seed=1, out="a")
    lax = write_policy(tmp_path, LEAKS.replace("0.05", "0.5"), name="lax")
    view = rejudge(tmp_path / "runs" / "a", lax)
    assert view.outcome == "pass"
    assert "model/default was FAIL under policy p" in view.notices[0]
    (tmp_path / "runs" / NAME).unlink()  # the run's own folder still knows
    assert rejudge(tmp_path / "runs" / "a", lax).notices == view.notices
    assert "was FAIL under policy p" in (tmp_path / "runs" / "a" / "report.html").read_text()
    assert review(tmp_path / "runs" / "a").notices == view.notices


def test_scores_of_a_judged_run_are_not_sealed_anew_without_its_seal(tmp_path: Path) -> None:
    gate(tmp_path, 30, seed=1, out="a")
    folder = tmp_path / "runs" / "a"
    (folder / "seal.json").unlink()
    with pytest.raises(AlteredError, match="its seal is gone"):
        rejudge(folder, None)
    with pytest.raises(AlteredError, match="its seal is gone"):
        gate(tmp_path, 30, seed=1, out="a")
    (folder / "decision.json").unlink()  # the journal beside the run still knows
    with pytest.raises(AlteredError, match="its seal is gone"):
        rejudge(folder, None)


def test_running_on_does_not_seal_scores_that_were_changed(tmp_path: Path) -> None:
    gate(tmp_path, 30, seed=1, out="a")
    part = next((tmp_path / "runs" / "a" / "scores" / "privacy").glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b"x")
    with pytest.raises(AlteredError, match="changed after it was sealed"):
        gate(tmp_path, 30, seed=1, out="a")


FEW = '  - {id: words, require: {metric: length.words, op: ">=", value: 2}}'


def excused(folder: Path) -> Path:
    """A run that failed, and then passed the same policy on a waiver."""
    suite = write_suite(folder, "model", planted(200, 30), seed=1)
    policy = write_policy(folder, LEAKS, FEW)
    view, place = run(suite, policy, out=folder / "runs" / "a")
    assert view.outcome == "fail"
    granted = waivers(folder, view.digests["subjects"]["model"])
    assert rejudge(place, policy, waivers=granted, today=TODAY).outcome == "pass"
    return place


def test_a_fail_that_was_waived_later_is_still_told_under_another_policy(
    tmp_path: Path,
) -> None:
    place = excused(tmp_path)
    lax = write_policy(tmp_path, LEAKS.replace("0.05", "0.5"), name="lax")
    (told,) = rejudge(place, lax).notices
    assert "was FAIL under policy p" in told


def test_a_waiver_makes_no_new_try_of_a_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.generators.files import Files

    monkeypatch.setattr(Files, "weights", {})  # one model, whatever its outputs: luck
    excused(tmp_path)
    suite = write_suite(tmp_path, "model", planted(200, 0), seed=2)
    lucky, _ = run(suite, tmp_path / "policy.yaml", out=tmp_path / "runs" / "b")
    assert lucky.outcome == "inconclusive"
    assert "unplanned_retry" in causes(lucky)


def test_arms_that_came_to_the_same_elsewhere_are_told_in_one_line(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, "model", planted(200, 30))
    arms = "strategies: [{name: a}, {name: b, params: {}}]\nscorers:"
    suite.write_text(suite.read_text().replace("scorers:", arms))
    _, place = run(suite, write_policy(tmp_path, LEAKS), out=tmp_path / "runs" / "a")
    lax = write_policy(tmp_path, LEAKS.replace("0.05", "0.5"), name="lax")
    told = " ".join(rejudge(place, lax).notices)
    assert told.count("under policy p") == 1
    assert "model/" in told


def test_runs_from_before_arms_were_known_by_their_sampling_are_no_tries_of_each_other(
    tmp_path: Path,
) -> None:
    for name, bad in (("a", 30), ("b", 0)):
        suite = write_suite(tmp_path, name, planted(200, bad))
        _, place = run(suite, write_policy(tmp_path, LEAKS), out=tmp_path / "runs" / name)
        manifest = json.loads((place / "manifest.json").read_text())
        for arm in manifest["arms"]:
            del arm["subject"]
        (place / "manifest.json").write_text(json.dumps(manifest))
        seal(place)
    (tmp_path / "runs" / NAME).unlink()
    assert rejudge(tmp_path / "runs" / "a", None).outcome == "fail"
    again = rejudge(tmp_path / "runs" / "b", None)
    assert again.outcome == "pass"
    assert not again.attempts
