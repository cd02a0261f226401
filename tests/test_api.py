"""The package from Python: each function is the command of its name."""

import inspect
from pathlib import Path

import pytest
from mlflow import MlflowClient

import harness
from harness.errors import RefusedError, SpecError
from tests.test_cli import FAILING, POLICY, SUITE, UNDECIDED


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "failing.yaml").write_text(FAILING)
    (tmp_path / "undecided.yaml").write_text(UNDECIDED)
    return tmp_path


def champion(model: str) -> str | None:
    client = MlflowClient(f"sqlite:///{Path('mlflow.db').absolute()}")
    version = client.get_registered_model(model).aliases.get("champion")
    return None if version is None else str(version)


def test_a_gate_judges_logs_and_promotes_only_what_passes() -> None:
    run, folder = harness.gate("suite.yaml", "policy.yaml", model="bot")
    assert run.outcome == "pass"
    assert (folder / "report.html").is_file()
    assert champion("bot") == "1"

    changed = SUITE.replace("use: echo", "use: echo, options: {times: 2}")
    Path("suite.yaml").write_text(changed)
    run, folder = harness.gate("suite.yaml", "failing.yaml", model="bot")
    assert run.outcome == "fail"
    assert champion("bot") == "1"
    assert harness.promote(folder, "bot")["moved"] is False

    assert harness.judge(folder, "policy.yaml").outcome == "pass"
    harness.record(folder)
    moved = harness.promote(folder, "bot")
    assert (moved["moved"], moved["version"]) == (True, "2")
    assert champion("bot") == "2"


def test_each_folder_has_a_database_of_its_own(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.gate("suite.yaml", "policy.yaml", model="bot")
    (here / "other").mkdir()
    for name in ("suite.yaml", "failing.yaml"):
        (here / "other" / name).write_text((here / name).read_text())
    monkeypatch.chdir(here / "other")
    harness.gate("suite.yaml", "failing.yaml", model="bot")
    assert champion("bot") is None
    assert (here / "mlflow.db").is_file()
    assert (here / "other" / "mlflow.db").is_file()


def test_a_run_logs_nothing_and_is_judged_where_a_policy_is_given() -> None:
    run, folder = harness.run("suite.yaml")
    assert run.outcome is None
    assert folder.parent == Path("runs")
    run, folder = harness.run(Path("suite.yaml"), Path("undecided.yaml"), out="mine")
    assert (run.outcome, folder) == ("inconclusive", Path("mine"))
    assert not Path("mlflow.db").exists()


def test_a_stored_run_is_judged_by_another_policy_or_its_own() -> None:
    _, folder = harness.run("suite.yaml", "policy.yaml")
    assert harness.judge(folder, "failing.yaml").outcome == "fail"
    assert harness.judge(str(folder)).outcome == "fail"
    assert harness.judge(folder, Path("policy.yaml")).outcome == "pass"


def test_shipped_files_are_found_by_name() -> None:
    _, folder = harness.run("suite.yaml")
    assert harness.judge(folder, "quickstart").outcome == "inconclusive"
    with pytest.raises(SpecError, match="no file or shipped one called 'quikstart'") as caught:
        harness.run("quikstart")
    assert caught.value.fix == "did you mean 'quickstart'?"


def test_a_run_that_was_not_recorded_is_not_promoted() -> None:
    _, folder = harness.run("suite.yaml", "policy.yaml")
    with pytest.raises(RefusedError, match="record"):
        harness.promote(folder, "bot")


def test_the_metrics_of_a_run_are_at_hand() -> None:
    run, _ = harness.run("suite.yaml")
    found = {metric.name: metric for metric in run.metrics if metric.slice == "all"}
    assert found["length.words"].value == 2.0
    assert found["length.words"].n == 3


def test_what_is_exported_is_documented_and_typed() -> None:
    for name in set(harness.__all__) - {"__version__"}:
        function = getattr(harness, name)
        assert function.__doc__
        signature = inspect.signature(function)
        assert all(p.annotation is not p.empty for p in signature.parameters.values())
        assert signature.return_annotation is not signature.empty
