"""Registered models of MLflow, their versions and aliases: found, made and moved, patiently."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from harness.errors import RefusedError
from harness.ledger.connection import Server, quiet

ATTEMPTS = 8
_PAUSE_SECONDS = 0.05
_PAGE = 1000
FINAL = frozenset(
    {
        "PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_PARAMETER_VALUE", "ENDPOINT_NOT_FOUND",
        "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS",
    }
)  # fmt: skip
"""MLflow's refusals that another try cannot change."""


def known(server: Server, model: str) -> Any:
    """MLflow's registered model, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return server.client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    return None


def make(server: Server, model: str) -> None:
    """Make a registered model, or see that somebody just did."""
    from mlflow.exceptions import MlflowException

    try:
        patiently(lambda: server.client.create_registered_model(model))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def versions_of(server: Server, model: str) -> list[Any]:
    """Every version of a model by its number, each with its tags; none where it is unknown.

    Page by page: versions made meanwhile only come after the last page.
    """
    found: list[Any] = []
    token = None
    while True:
        page = server.client.search_model_versions(
            f"name = '{model}'",
            max_results=_PAGE,
            order_by=["version_number ASC"],
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            return found


def aliases_of(server: Server, model: str) -> dict[str, str]:
    """Each alias of a model with the version it stands for.

    Raises:
        RefusedError: No model has that name.
    """
    if not (found := known(server, model)):
        raise RefusedError(f"no registered model is called {model!r}", where=server.shown)
    return {alias: str(version) for alias, version in found.aliases.items()}


def check_alias(alias: str) -> None:
    """Refuse what MLflow takes for no alias, before anything is written; asks no server.

    Raises:
        RefusedError: It is none, with MLflow's own reason.
    """
    with quiet():
        from mlflow.exceptions import MlflowException
        from mlflow.utils import validation

        try:
            validation._validate_model_alias_name(alias)
            validation._validate_model_alias_name_reserved(alias)
        except MlflowException as error:
            raise RefusedError(
                f"MLflow takes no such alias: {error.message}",
                where=repr(alias),
                fix="give another --alias: letters, digits, - and _; not `latest`, not `v1`",
            ) from error


def set_alias(server: Server, model: str, alias: str, version: str | None) -> None:
    """Let the alias stand for this version; for none where it is None.

    Raises:
        RefusedError: The model has no such version.
    """
    from mlflow.exceptions import MlflowException

    client = server.client
    if version is None:
        patiently(lambda: client.delete_registered_model_alias(model, alias))
        return
    try:
        patiently(lambda: client.set_registered_model_alias(model, alias, version))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise RefusedError(f"{model!r} has no version {version}", where=server.shown) from error


def patiently(write: Callable[[], object]) -> None:
    """Try again where writers got in each other's way: MLflow refuses all but one of them."""
    from mlflow.exceptions import MlflowException

    for attempt in range(ATTEMPTS):
        try:
            write()
        except MlflowException as error:
            if error.error_code in FINAL or attempt == ATTEMPTS - 1:
                raise
            pause(attempt)
        else:
            return


def pause(attempt: int) -> None:
    """Wait longer with each attempt, and never as long as another process does."""
    time.sleep(_PAUSE_SECONDS * 2 ** min(attempt, 5) * random.uniform(0.5, 1.5))  # noqa: S311
