"""Writers that get in each other's way try again; one that is refused does not."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import RefusedError
from harness.ledger.registered import check_alias, patiently


def test_a_lost_race_for_a_new_alias_is_tried_again(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException

    waits: list[float] = []
    monkeypatch.setattr("harness.ledger.registered.time.sleep", waits.append)
    answers = iter([MlflowException("(sqlite3.IntegrityError) UNIQUE", 3), None])

    def write() -> None:
        if (answer := next(answers)) is not None:
            raise answer

    patiently(write)

    assert len(waits) == 1
    assert 0.025 <= waits[0] <= 0.075


def test_a_refusal_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    def write() -> None:
        raise MlflowException("no", PERMISSION_DENIED)

    with pytest.raises(MlflowException):
        patiently(write)


@pytest.mark.parametrize("alias", ["latest", "Latest", "v1", "V12", "a b", "a.b", ""])
def test_what_mlflow_takes_for_no_alias_is_refused(alias: str) -> None:
    with pytest.raises(RefusedError, match="MLflow takes no such alias"):
        check_alias(alias)


@pytest.mark.parametrize("alias", ["champion", "v1a", "eu-west_2"])
def test_what_mlflow_takes_for_an_alias_is_allowed(client: Any, alias: str) -> None:
    check_alias(alias)
    client.create_registered_model("m")
    client.create_model_version("m", source="harness:/none")
    client.set_registered_model_alias("m", alias, "1")
