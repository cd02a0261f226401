"""Record a finished run in MLflow: once, whole, and under the digest of its seal."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.durable import write_json
from harness.errors import RefusedError, TrackingError
from harness.ledger.artifacts import gather
from harness.ledger.connection import Server, artifact_location, connected, ui_command
from harness.ledger.evidence import MANIFEST, Recorded, check_decision, read
from harness.ledger.naming import PARAM_LENGTH, TAG_LENGTH, cut, flat, key, numbers
from harness.ledger.seal import verify
from harness.records import Outcome, RunView

RECORD, FOLDER = "record.json", "harness"
_PAIRS_PER_BATCH, _ENTITIES_PER_BATCH = 100, 1000
_WORST: tuple[Outcome, ...] = ("fail", "inconclusive", "waived", "not_applicable", "pass")


def record(run: RunView, root: Path, *, experiment: str = "harness") -> Recorded:
    """Log one parent run, and under it one run for each generator and strategy.

    Sending the same run again changes nothing, and completes what an
    interruption left half-sent. `record.json` in the run's folder says where it
    went.

    Args:
        run: The run as assessed from `root`.
        root: Its sealed folder.
        experiment: MLflow's experiment, made where it is absent.

    Raises:
        AlteredError: The folder is not sealed, was changed since, or is another run's.
        TrackingError: MLflow cannot be reached, or refuses what it is sent.
    """
    top = verify(root)
    check_decision(run, root)
    with connected(root=root) as server:
        place = _experiment(server, experiment)
        recorded = _send(server, place, run, root, top)
    recorded = dataclasses.replace(recorded, experiment=experiment)
    write_json(root / RECORD, dataclasses.asdict(recorded))
    return recorded


def recall(root: Path) -> Recorded:
    """Read where a run was recorded.

    Raises:
        RefusedError: It was not recorded.
    """
    try:
        return Recorded(**json.loads((root / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise RefusedError(
            "the run was not recorded in MLflow",
            where=str(root / RECORD),
            fix=f"harness record {root}",
        ) from error


def _experiment(server: Server, name: str) -> str:
    from mlflow.exceptions import MlflowException

    found = server.client.get_experiment_by_name(name)
    if found is None:
        try:
            location = artifact_location(server.uri)
            return str(server.client.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = server.client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage != "active":
        raise TrackingError(
            f"the MLflow experiment {name!r} was deleted",
            where=server.shown,
            fix="restore it in MLflow, or record under another name",
        )
    return str(found.experiment_id)


def _send(server: Server, place: str, run: RunView, root: Path, top: str) -> Recorded:
    labels = {"harness.run_id": run.run_id, "harness.seal": top}
    parent = _found(server, place, top, run.run_id)
    if parent is None:
        tags = {**labels, "harness.role": "run", "mlflow.runName": run.run_id}
        parent = server.client.create_run(place, tags=tags)
    children = _children(server, place, parent.info.run_id)
    if parent.data.tags.get("harness.recorded") != "complete":
        _send_parent(server, parent, run, root)
        for arm in read(root, MANIFEST)["arms"]:
            name = f"{arm['generator']}/{arm['strategy']}"
            if name not in children:
                children[name] = _begin_child(server, place, parent, labels, arm)
            _send_child(server, children[name], run, arm)
        server.client.set_tag(parent.info.run_id, "harness.recorded", "complete")
        server.client.set_terminated(parent.info.run_id)
    return Recorded(
        run_id=run.run_id,
        seal=top,
        experiment=place,
        parent=parent.info.run_id,
        children={name: child.info.run_id for name, child in sorted(children.items())},
        uri=server.shown,
    )


def _found(server: Server, place: str, top: str, run_id: str) -> Any:
    """The parent run of an earlier call; the oldest, should there be several."""
    sealed = f"tags.`harness.seal` = '{top}' and tags.`harness.role` = 'run'"
    runs = server.client.search_runs([place], sealed, order_by=["attributes.start_time ASC"])
    return next((run for run in runs if run.data.tags["harness.run_id"] == run_id), None)


def _children(server: Server, place: str, parent: str) -> dict[str, Any]:
    own = f"tags.`mlflow.parentRunId` = '{parent}'"
    runs = server.client.search_runs([place], own, max_results=50_000)
    return {run.data.tags["harness.arm"]: run for run in runs if "harness.arm" in run.data.tags}


def _begin_child(
    server: Server, place: str, parent: Any, labels: Mapping[str, str], arm: Mapping[str, Any]
) -> Any:
    name = f"{arm['generator']}/{arm['strategy']}"
    tags = {
        **labels,
        "harness.role": "arm",
        "harness.arm": name,
        "mlflow.parentRunId": parent.info.run_id,
        "mlflow.runName": name,
    }
    return server.client.create_run(place, tags=tags)


def _send_parent(server: Server, parent: Any, run: RunView, root: Path) -> None:
    tags = {
        "harness.outcome": run.outcome or "not judged",
        "harness.policy_digest": str(run.digests.get("policy")),
    }
    params = dict(_names(run)) | dict(flat("digest", run.digests))
    _log(server, parent, {}, params, tags)
    _log_prompts(server, parent.info.run_id, read(root, MANIFEST).get("prompts", {}))
    with tempfile.TemporaryDirectory() as scratch:
        gather(root, Path(scratch))
        server.client.log_artifacts(parent.info.run_id, scratch, FOLDER)


def _send_child(server: Server, child: Any, run: RunView, arm: Mapping[str, Any]) -> None:
    generator, strategy = arm["generator"], arm["strategy"]
    own = [m for m in run.metrics if (m.generator, m.strategy) == (generator, strategy)]
    found = numbers(own, ((run.policy or {}).get("defaults") or {}).get("confidence"))
    params = dict(_names(run)) | {"generator": generator, "strategy": strategy}
    params |= dict(flat("sampling", _sampling(run, strategy)))
    params |= dict(flat("option", arm["identity"].get("options", {})))
    params |= {"digest.generator": arm["fingerprint"]}
    params |= {f"digest.{name}": str(run.digests.get(name)) for name in ("suite", "policy")}
    tags = found.tags | _verdict_tags(run, generator, strategy)
    _log(server, child, found.values, params, tags)
    server.client.set_terminated(child.info.run_id)


def _names(run: RunView) -> dict[str, str]:
    named = {"suite": run.suite, "policy": run.policy or {}}
    return {
        kind: cut(str((spec.get("metadata") or {}).get("name", "none")), PARAM_LENGTH)
        for kind, spec in named.items()
    }


def _sampling(run: RunView, strategy: str) -> Mapping[str, Any]:
    known = {item["name"]: item.get("params") or {} for item in run.suite.get("strategies", ())}
    return known.get(strategy, {})


def _verdict_tags(run: RunView, generator: str, strategy: str) -> dict[str, str]:
    """The arm's outcome, and for each rule the worst of its slices."""
    for verdict in run.verdicts:
        if (verdict.generator, verdict.strategy) == (generator, strategy):
            worst: dict[str, Outcome] = {}
            for finding in sorted(verdict.findings, key=lambda f: -_WORST.index(f.outcome)):
                worst[key(f"harness.rule.{finding.rule}")] = finding.outcome
            return {"harness.outcome": verdict.outcome, **worst}
    return {"harness.outcome": "not judged"}


def _log_prompts(server: Server, run_id: str, files: Mapping[str, str]) -> None:
    """Log prompt files by our own sha256: MLflow's digest reads only the first rows."""
    from mlflow.entities import Dataset, DatasetInput

    inputs = [
        DatasetInput(
            Dataset(
                name=cut(name, 500),
                digest=digest[:36],
                source_type="harness",
                source=json.dumps({"file": name, "sha256": digest}),
            )
        )
        for name, digest in sorted(files.items())
    ]
    if inputs:
        server.client.log_inputs(run_id, inputs)


def _log(
    server: Server,
    to: Any,
    values: Mapping[str, float],
    params: Mapping[str, str],
    tags: Mapping[str, str],
) -> None:
    """Log everything in one batch; in as few as MLflow's limits allow where it is more.

    The time of every metric is the start of its run, so that sending it again
    writes the same row and not a second one.
    """
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(n, v, to.info.start_time, 0) for n, v in sorted(values.items())]
    pairs = [Param(n, v) for n, v in sorted(params.items())]
    labels = [RunTag(n, cut(v, TAG_LENGTH)) for n, v in sorted(tags.items())]
    while metrics or pairs or labels:
        some, pairs = pairs[:_PAIRS_PER_BATCH], pairs[_PAIRS_PER_BATCH:]
        named, labels = labels[:_PAIRS_PER_BATCH], labels[_PAIRS_PER_BATCH:]
        room = _ENTITIES_PER_BATCH - len(some) - len(named)
        batch, metrics = metrics[:room], metrics[room:]
        server.client.log_batch(to.info.run_id, metrics=batch, params=some, tags=named)


__all__ = ["Recorded", "recall", "record", "ui_command"]
