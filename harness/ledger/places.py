"""Agree on the MLflow runs that a run is recorded in, however many clients begin at once.

MLflow gives every run an id of its own making, so two clients that begin together,
or a request that is sent again because its answer was lost, leave two runs for one.
What it keeps once is a dataset: in an experiment, the first source given for a name
and digest stays, whoever comes later. So a client begins its runs, offers their ids
as the source of a dataset named for the seal, and reads whose offer stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness import digests
from harness.ledger.connection import Server

DATASET, PARENT, SURPLUS = "harness record", "", "surplus"
_DIGEST_LENGTH, _MOST_RUNS = 36, 50_000

Places = dict[str, Any]
"""MLflow's runs: the parent under the empty name, and each arm's under the arm's."""


def agree(
    server: Server, experiment: str, labels: Mapping[str, str], arms: Sequence[str]
) -> tuple[Places, list[str]]:
    """Find the runs for these labels, or begin them; all who ask get the same.

    Where somebody deleted one of them in MLflow, a new agreement is made, which
    keeps the others.

    Args:
        server: MLflow.
        experiment: The id of its experiment.
        labels: The tags that name what is recorded: the run's id and seal.
        arms: The name of each arm.

    Returns:
        The runs, and the ids of others that were begun for the same and lost.
    """
    names, attempt = (PARENT, *arms), 0
    own: Places = {}
    while True:
        digest = digests.of_json([dict(labels), attempt])[:_DIGEST_LENGTH]
        runs = _active(server, experiment, labels)
        ids = _standing(runs, digest)
        if ids is None:
            own = own or _begin(server, experiment, labels, arms, runs)
            _offer(server, [own[name].info.run_id for name in names], digest)
            runs = _active(server, experiment, labels)
            ids = _standing(runs, digest)
            if ids is None:  # a server that shows no datasets: nothing better can be had
                return own, []
        if len(ids) == len(names) and runs.keys() >= set(ids):
            places = {name: runs[run_id] for name, run_id in zip(names, ids, strict=True)}
            return places, sorted(runs.keys() - set(ids))
        attempt += 1


def retire(server: Server, run_ids: Sequence[str]) -> None:
    """Delete the runs that lost; mark them where deleting is not allowed."""
    from mlflow.exceptions import MlflowException

    for run_id in run_ids:
        try:
            server.client.delete_run(run_id)
        except MlflowException as error:
            if error.error_code != "PERMISSION_DENIED":
                raise
            server.client.set_tag(run_id, "harness.role", SURPLUS)
            server.client.set_terminated(run_id, "KILLED")


def _active(server: Server, experiment: str, labels: Mapping[str, str]) -> Places:
    """Every run with these labels by its id, the oldest first."""
    found = server.client.search_runs(
        [experiment],
        f"tags.`harness.seal` = '{labels['harness.seal']}'",
        max_results=_MOST_RUNS,
        order_by=["attributes.start_time ASC"],
    )
    return {
        run.info.run_id: run
        for run in found
        if labels.items() <= run.data.tags.items()
        and run.data.tags.get("harness.role") != SURPLUS
    }


def _begin(
    server: Server,
    experiment: str,
    labels: Mapping[str, str],
    arms: Sequence[str],
    runs: Places,
) -> Places:
    """Make the parent and its arms' runs, but for those that are there already."""

    def one(name: str, tags: Mapping[str, str]) -> Any:
        wanted = {**labels, **tags, "mlflow.runName": name}
        for run in runs.values():
            if wanted.items() <= run.data.tags.items():
                return run
        return server.client.create_run(experiment, tags=wanted)

    parent = one(labels["harness.run_id"], {"harness.role": "run"})
    under = {"harness.role": "arm", "mlflow.parentRunId": parent.info.run_id}
    return {PARENT: parent} | {arm: one(arm, under | {"harness.arm": arm}) for arm in arms}


def _offer(server: Server, ids: Sequence[str], digest: str) -> None:
    from mlflow.entities import Dataset, DatasetInput

    offer = Dataset(DATASET, digest, source_type="harness", source=json.dumps(ids))
    server.client.log_inputs(ids[0], [DatasetInput(offer)])


def _standing(runs: Places, digest: str) -> list[str] | None:
    """The ids of the offer that came first; None where there was none."""
    for run in runs.values():
        for given in run.inputs.dataset_inputs:
            if (given.dataset.name, given.dataset.digest) == (DATASET, digest):
                return [str(run_id) for run_id in json.loads(given.dataset.source)]
    return None
