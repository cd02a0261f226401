"""All who record a run agree on where in MLflow it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.ledger.tracking import record
from harness.records import RunView
from tests.ledger.sealed_runs import make, write_model

ARM = "candidate/greedy"


@pytest.fixture
def run(tmp_path: Path) -> tuple[RunView, Path]:
    return make(tmp_path / "run", write_model(tmp_path / "model"))


def everything(client: Any) -> list[Any]:
    places = [place.experiment_id for place in client.search_experiments()]
    return list(client.search_runs(places))


def test_an_arm_that_was_deleted_in_mlflow_is_recorded_anew_and_the_others_stay(
    client: Any, run: tuple[RunView, Path]
) -> None:
    first = record(*run)
    client.delete_run(first.children[ARM])

    second = record(*run)

    assert second.parent == first.parent
    assert second.children[ARM] != first.children[ARM]
    assert len(everything(client)) == 3
    assert client.get_run(second.children[ARM]).data.metrics["toxicity.rate"] == 0.25
    assert record(*run) == second


def test_a_parent_that_was_deleted_is_recorded_anew_with_its_arms(
    client: Any, run: tuple[RunView, Path]
) -> None:
    first = record(*run)
    client.delete_run(first.parent)

    second = record(*run)

    assert second.parent != first.parent
    assert {one.info.run_id for one in everything(client)} == {
        second.parent, *second.children.values(),
    }  # fmt: skip
    assert record(*run) == second


def test_one_that_is_restored_is_the_one_again(client: Any, run: tuple[RunView, Path]) -> None:
    first = record(*run)
    client.delete_run(first.children[ARM])
    record(*run)
    client.restore_run(first.children[ARM])

    assert record(*run) == first
    assert len(everything(client)) == 3


def test_runs_too_many_are_marked_where_deleting_is_not_allowed(
    client: Any, run: tuple[RunView, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    create = MlflowClient.create_run

    def twice(*args: Any, **named: Any) -> Any:
        create(*args, **named)
        return create(*args, **named)

    def refuse(*_: Any) -> None:
        raise MlflowException("403", error_code=PERMISSION_DENIED)

    monkeypatch.setattr(MlflowClient, "create_run", twice)
    monkeypatch.setattr(MlflowClient, "delete_run", refuse)

    recorded = record(*run)

    kept = {recorded.parent, *recorded.children.values()}
    others = [one for one in everything(client) if one.info.run_id not in kept]
    assert len(others) == 3
    assert {one.data.tags["harness.role"] for one in others} == {"surplus"}
    assert {one.info.status for one in others} == {"KILLED"}
    assert record(*run) == recorded
