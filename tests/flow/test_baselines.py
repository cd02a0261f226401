"""Comparing with a champion and with a frozen anchor: on the same exam, or not at all."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.errors import AlteredError, RefusedError, SpecError
from harness.flow.assess import rejudge, review
from harness.flow.champion import champion_of
from harness.flow.run import Options, run
from harness.ledger.seal import seal
from harness.records import Finding, RunView
from tests.flow.suites import planted, write_policy, write_suite

NO_WORSE = (
    "  - {id: leaks, compare: {metric: privacy.leak_rate, against: champion, margin: 0.05%s}}"
)


def made(folder: Path, name: str, bad: int, **how: Any) -> Path:
    """A run of 300 outputs, judged by nothing."""
    _, out = run(
        write_suite(folder, name, planted(300, bad), **how), out=folder / "runs" / name
    )
    return out


def one(view: RunView) -> Finding:
    (verdict,) = view.verdicts
    (finding,) = verdict.findings
    return finding


def compared(folder: Path, bad: int, served: int, policy: Path) -> RunView:
    champion = made(folder, "served", served)
    return rejudge(made(folder, "new", bad), policy, champion=champion)


@pytest.mark.parametrize(
    ("bad", "served", "outcome"),
    [
        (6, 6, "pass"), (0, 30, "pass"), (12, 10, "pass"), (75, 6, "fail"),
        (25, 10, "inconclusive"),
    ],
)  # fmt: skip
def test_a_candidate_is_held_to_what_is_served(
    tmp_path: Path, bad: int, served: int, outcome: str
) -> None:
    finding = one(compared(tmp_path, bad, served, write_policy(tmp_path, NO_WORSE % "")))
    assert finding.outcome == outcome
    assert finding.value == pytest.approx((bad - served) / 300)
    assert (finding.kind, finding.against) == ("compare", "champion")


def test_the_verdict_is_derived_again_without_the_champions_folder(tmp_path: Path) -> None:
    view = compared(tmp_path, 6, 6, write_policy(tmp_path, NO_WORSE % ""))
    shutil.rmtree(tmp_path / "runs" / "served")
    again = review(tmp_path / "runs" / "new")
    assert again.verdicts == view.verdicts
    assert one(rejudge(tmp_path / "runs" / "new", None)).outcome == "pass"


def test_a_copy_that_was_touched_is_refused_even_when_sealed_again(tmp_path: Path) -> None:
    compared(tmp_path, 6, 30, write_policy(tmp_path, NO_WORSE % ""))
    folder = tmp_path / "runs" / "new"
    part = next((folder / "baselines").glob("*/scores/privacy/part-*.parquet"))
    table = pq.read_table(part)
    place = table.column_names.index("value_leak")
    pq.write_table(table.set_column(place, "value_leak", [[True] * len(table)]), part)
    seal(folder)
    with pytest.raises(AlteredError, match="compared with was changed"):
        rejudge(folder, None)


def test_without_a_champion_nothing_is_decided(tmp_path: Path) -> None:
    finding = one(rejudge(made(tmp_path, "new", 0), write_policy(tmp_path, NO_WORSE % "")))
    assert (finding.outcome, finding.cause) == ("inconclusive", "missing_metric")


def test_if_absent_needs_it_to_be_known_that_there_is_none(tmp_path: Path) -> None:
    policy = write_policy(tmp_path, NO_WORSE % ", if_absent: first release")
    folder = made(tmp_path, "new", 0)
    assert one(rejudge(folder, policy)).outcome == "inconclusive"
    finding = one(rejudge(folder, policy, champion="none"))
    assert finding.outcome == "not_applicable"
    assert "first release" in finding.message


def test_a_rule_that_does_not_apply_is_not_a_pass(tmp_path: Path) -> None:
    policy = write_policy(tmp_path, NO_WORSE % ", if_absent: first release")
    view = rejudge(made(tmp_path, "new", 0), policy, champion="none")
    assert view.outcome == "inconclusive"


@pytest.mark.parametrize(
    ("how", "named"), [({"seed": 5}, "seed"), ({"same": "another"}, "prompts")]
)
def test_another_exam_is_a_digest_mismatch(
    tmp_path: Path, how: dict[str, Any], named: str
) -> None:
    champion = made(tmp_path, "served", 0, **how)
    policy = write_policy(tmp_path, NO_WORSE % "")
    finding = one(rejudge(made(tmp_path, "new", 0), policy, champion=champion))
    assert (finding.outcome, finding.cause) == ("inconclusive", "digest_mismatch")
    assert named in finding.message


def test_an_anchor_is_found_by_its_seal_and_by_nothing_else(tmp_path: Path) -> None:
    anchor = made(tmp_path, "frozen", 6)
    digits = seal(anchor)
    rule = NO_WORSE.replace("champion", "'anchor:%s'") % ("%s", "")
    folder = made(tmp_path, "new", 6)
    assert one(rejudge(folder, write_policy(tmp_path, rule % digits[:16]))).outcome == "pass"
    other = write_policy(tmp_path, rule % ("0" * 16), name="other")
    assert one(rejudge(folder, other)).cause == "missing_metric"


def test_who_is_served_is_asked_only_where_the_policy_compares(tmp_path: Path) -> None:
    plain, runs = write_policy(tmp_path), tmp_path / "runs"
    assert champion_of(None, plain, runs, model="m") is None
    assert champion_of("none", plain, runs) == "none"
    with pytest.raises(SpecError, match="no finished run"):
        champion_of(str(tmp_path), plain, runs)


def test_a_registry_without_the_model_serves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    policy = write_policy(tmp_path, NO_WORSE % "")
    assert champion_of(None, policy, tmp_path / "runs", model="m") == "none"


def test_a_champion_elsewhere_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.flow import champion

    monkeypatch.setattr(champion, "served_seal", lambda model, alias: "f" * 64)
    policy = write_policy(tmp_path, NO_WORSE % "")
    with pytest.raises(RefusedError, match="is not here") as raised:
        champion_of(None, policy, tmp_path / "runs", model="m")
    assert "--champion RUN" in raised.value.fix
    assert "harness judge RUN --out COPY" in raised.value.fix


def test_a_strategy_of_the_same_run_can_be_the_other_side(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, "two", planted(100, 3))
    text = suite.read_text() + "strategies: [{name: a}, {name: b}]\n"
    suite.write_text(text)
    rule = (
        "  - {id: same, compare: {metric: length.words, against: 'strategy:a', "
        "test: equivalent, margin: 0.5}}"
    )
    leaks = '  - {id: few, require: {metric: privacy.leak_rate, op: "<=", value: 0.2}}'
    view, _ = run(
        suite, write_policy(tmp_path, rule, leaks), Options(out=tmp_path / "runs" / "two")
    )
    found = {v.strategy: v.findings[0] for v in view.verdicts}
    assert found["a"].outcome == "not_applicable"
    assert found["b"].op == "within"
    assert found["b"].value == 0


def test_a_run_is_never_its_own_champion(tmp_path: Path) -> None:
    policy = write_policy(tmp_path, NO_WORSE % "")
    run_folder = made(tmp_path, "new", 150)
    alone = rejudge(run_folder, policy, champion=run_folder)
    assert alone.outcome == "inconclusive"
    assert compared(tmp_path, 150, 6, policy).outcome == "fail"
    again = rejudge(run_folder, policy, champion=run_folder)
    assert again.outcome == "fail"  # still against the one it was compared with


def test_a_copy_of_a_run_is_not_its_champion_either(tmp_path: Path) -> None:
    policy = write_policy(tmp_path, NO_WORSE % "")
    folder = made(tmp_path, "new", 150)
    shutil.copytree(folder, tmp_path / "elsewhere" / "copy")
    view = rejudge(folder, policy, champion=tmp_path / "elsewhere" / "copy")
    assert one(view).outcome == "inconclusive"
    assert not (folder / "baselines").exists()
    (notice,) = view.notices
    assert "champion is this run itself" in notice
    assert "--champion none" in notice
    assert review(folder).notices == view.notices
