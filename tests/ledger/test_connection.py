"""MLflow is opened quietly, and its failures are told in our words."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.errors import TrackingError
from harness.ledger.connection import connected, shown, tracking_uri, ui_command


def test_nothing_of_mlflow_is_imported_before_it_is_asked_for() -> None:
    code = (
        "import sys, harness.ledger.tracking, harness.ledger.promote, harness.ledger.versions\n"
        "sys.exit(bool({'mlflow', 'pyarrow', 'sqlalchemy'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_variable_a_file_in_this_folder_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    assert tracking_uri() == "sqlite:///mlflow.db"
    assert ui_command() == "mlflow ui --backend-store-uri sqlite:///mlflow.db"


@pytest.mark.parametrize(
    ("uri", "command"),
    [
        ("http://host:5000", "python -m webbrowser http://host:5000"),
        ("https://me:pw@host/x", "python -m webbrowser https://host/x"),
        ("sqlite:////a b.db", "mlflow ui --backend-store-uri 'sqlite:////a b.db'"),
        ("postgresql://me:pw@db/x", 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'),
    ],
)
def test_the_page_is_opened_without_showing_a_password(
    monkeypatch: pytest.MonkeyPatch, uri: str, command: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    assert ui_command() == command
    assert "pw" not in shown(uri)


def test_the_environment_is_left_as_it_was(mlflow_uri: str) -> None:
    before = dict(os.environ)

    with connected():
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"

    assert dict(os.environ) == before


def test_a_users_own_setting_stands(mlflow_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")

    with connected():
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"


def test_an_error_of_mlflow_names_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nosuch://me:pw@host/x")

    with pytest.raises(TrackingError) as caught, connected() as server:
        server.client.search_experiments()

    assert "pw" not in str(caught.value)
    assert caught.value.exit_code == 3


def test_what_is_not_allowed_is_told_as_that(mlflow_uri: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    with pytest.raises(TrackingError, match="does not allow") as caught, connected():
        raise MlflowException("403", error_code=PERMISSION_DENIED)

    assert "EDIT" in caught.value.fix


def test_a_name_that_mlflow_does_not_take_is_no_trouble_with_the_server(
    mlflow_uri: str,
) -> None:
    with pytest.raises(TrackingError, match="Invalid alias name") as caught, connected() as on:
        on.client.set_registered_model_alias("m", "a b", "1")

    assert "another name" in caught.value.fix
