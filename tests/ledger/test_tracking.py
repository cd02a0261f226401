"""A run lands in MLflow once, whole, and with its bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import digests
from harness.errors import AlteredError, RefusedError, TrackingError
from harness.ledger import tracking
from harness.ledger.tracking import recall, record
from harness.records import RunView
from tests.ledger.sealed_runs import EMAIL, make, metric, write_model


@pytest.fixture
def run(tmp_path: Path) -> tuple[RunView, Path]:
    more = [metric("fluency.perplexity", value=None, low=None, high=None, cause="too few")]
    more += [metric("diversity.self_bleu", "nucleus", slice=f"topic={i}") for i in range(400)]
    return make(tmp_path / "run", write_model(tmp_path / "model"), "pass", *more)


def everything(client: Any) -> list[Any]:
    places = [place.experiment_id for place in client.search_experiments()]
    return list(client.search_runs(places))


def test_each_arm_lands_once_with_bounds_and_n(client: Any, run: tuple[RunView, Path]) -> None:
    recorded = record(*run)

    greedy = client.get_run(recorded.children["candidate/greedy"])
    assert greedy.data.metrics == {
        "toxicity.rate": 0.25, "toxicity.rate_lo": 0.125, "toxicity.rate_hi": 0.5,
        "toxicity.rate_n": 40.0, "fluency.perplexity_n": 40.0,
    }  # fmt: skip
    assert greedy.data.tags["harness.absent.fluency.perplexity"] == "too few"
    assert greedy.data.tags["harness.outcome"] == "pass"
    assert greedy.data.tags["mlflow.parentRunId"] == recorded.parent
    nucleus = client.get_run(recorded.children["candidate/nucleus"])
    assert len(nucleus.data.metrics) == 4 + 4 * 400
    assert nucleus.data.params["sampling.top_p"] == "0.9"
    assert nucleus.data.params["digest.policy"] == "bb" * 32
    history = client.get_metric_history(greedy.info.run_id, "toxicity.rate")
    assert len(history) == 1


def test_the_parent_says_what_was_run_and_how_it_ended(
    client: Any, run: tuple[RunView, Path]
) -> None:
    recorded = record(*run)

    parent = client.get_run(recorded.parent)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["harness.seal"] == recorded.seal
    assert parent.data.tags["harness.outcome"] == "pass"
    assert parent.data.params["suite"] == "demo"
    datasets = {given.dataset.name for given in parent.inputs.dataset_inputs}
    assert datasets == {"harness record", "prompts/a.jsonl"}
    names = {item.path for item in client.list_artifacts(recorded.parent, "harness")}
    assert {"harness/decision.json", "harness/outputs.parquet", "harness/report.md"} <= names


def test_recording_twice_records_once(client: Any, run: tuple[RunView, Path]) -> None:
    first = record(*run)
    second = record(*run)

    assert first == second == recall(run[1])
    assert len(everything(client)) == 3


def test_a_half_recorded_run_is_completed(
    client: Any, run: tuple[RunView, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = tracking._log, []

    def break_off(server: Any, to: Any, *rest: Any) -> None:
        calls.append(to)
        whole(server, to, *rest)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(tracking, "_log", break_off)
    with pytest.raises(KeyboardInterrupt):
        record(*run)
    assert {one.data.tags.get("harness.recorded") for one in everything(client)} == {None}
    monkeypatch.setattr(tracking, "_log", whole)

    recorded = record(*run)

    assert len(everything(client)) == 3
    assert {one.info.status for one in everything(client)} == {"FINISHED"}
    assert len(recorded.children) == 2
    child = recorded.children["candidate/greedy"]
    assert len(client.get_metric_history(child, "toxicity.rate")) == 1
    assert client.get_run(recorded.parent).data.tags["harness.recorded"] == "complete"


def test_a_run_judged_anew_is_another_record(client: Any, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    first = record(*make(tmp_path / "run", model, "pass"))
    second = record(*make(tmp_path / "run", model, "fail"))

    assert first.run_id == second.run_id
    assert first.parent != second.parent


def test_a_failed_run_is_recorded_as_failed(client: Any, tmp_path: Path) -> None:
    recorded = record(*make(tmp_path / "run", write_model(tmp_path / "model"), "fail"))

    child = client.get_run(recorded.children["candidate/greedy"])
    assert child.data.tags["harness.rule.toxicity"] == "fail"


def test_a_run_without_a_policy_is_recorded_as_not_judged(client: Any, tmp_path: Path) -> None:
    recorded = record(*make(tmp_path / "run", write_model(tmp_path / "model"), None))

    assert client.get_run(recorded.parent).data.tags["harness.outcome"] == "not judged"


def test_no_planted_personal_data_reaches_mlflow(
    client: Any, run: tuple[RunView, Path], tmp_path: Path
) -> None:
    record(*run)

    sinks = [tmp_path / "mlflow.db", *(tmp_path / "mlartifacts").rglob("*.*")]
    assert len(sinks) > 9
    assert not any(EMAIL.encode() in path.read_bytes() for path in sinks if path.is_file())


def test_mlflow_says_nothing(
    client: Any, run: tuple[RunView, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    record(*run)

    assert capfd.readouterr() == ("", "")


def test_an_altered_run_is_not_recorded(client: Any, run: tuple[RunView, Path]) -> None:
    (run[1] / "report.md").write_text("# better\n")

    with pytest.raises(AlteredError):
        record(*run)
    assert not everything(client)


def test_a_decision_that_is_not_the_runs_is_not_recorded(
    client: Any, run: tuple[RunView, Path]
) -> None:
    with pytest.raises(AlteredError, match="outcome"):
        record(replace(run[0], outcome="fail"), run[1])


def test_a_deleted_experiment_is_told(client: Any, run: tuple[RunView, Path]) -> None:
    client.delete_experiment(client.create_experiment("gone"))

    with pytest.raises(TrackingError, match="deleted"):
        record(*run, experiment="gone")


def test_a_server_that_is_down_leaves_the_run_as_it_is(
    run: tuple[RunView, Path], free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    before = digests.of_files(run[1])

    with pytest.raises(TrackingError) as caught:
        record(*run)

    assert caught.value.exit_code == 3
    assert caught.value.args == ("MLflow cannot be reached",)
    assert "safe" in caught.value.fix
    assert "harness record" in caught.value.fix
    assert digests.of_files(run[1]) == before
    with pytest.raises(RefusedError, match="not recorded"):
        recall(run[1])
