"""Record a finished run in MLflow: once, whole, and under the digest of its seal."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.durable import write_json
from harness.errors import RefusedError, TrackingError
from harness.ledger.artifacts import gather
from harness.ledger.connection import Server, artifact_location, connected, ui_command
from harness.ledger.evidence import MANIFEST, Recorded, check_decision, read
from harness.ledger.naming import PARAM_LENGTH, TAG_LENGTH, cut, flat, key, numbers
from harness.ledger.places import PARENT, Places, agree, retire
from harness.ledger.seal import verify
from harness.records import Outcome, RunView

RECORD, FOLDER = "record.json", "harness"
_COLLISIONS = 10
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
    with _alone(root):
        top = verify(root)
        check_decision(run, root)
        with connected(root=root) as server:
            place = _experiment(server, experiment)
            recorded = _insist(lambda: _send(server, place, run, root, top))
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


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Wait until no other process writes this run: to MLflow, or at all."""
    if not root.is_dir():
        yield  # the seal will say that there is no run
        return
    with (root / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _insist(send: Callable[[], Recorded]) -> Recorded:
    """Send again where a client with a copy of the run was first with a row.

    Every loss means that one more row is there, so this ends.
    """
    from mlflow.exceptions import MlflowException

    for _ in range(_COLLISIONS):
        try:
            return send()
        except MlflowException as error:
            if error.error_code not in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE"):
                raise
    return send()


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
    arms = {f"{a['generator']}/{a['strategy']}": a for a in read(root, MANIFEST)["arms"]}
    places, surplus = agree(server, place, labels, sorted(arms))
    if not _whole(places):
        _send_parent(server, places[PARENT], run, root)
        for name, arm in arms.items():
            _send_child(server, places[name], run, arm)
        parent = places[PARENT].info.run_id
        server.client.set_terminated(parent)
        server.client.set_tag(parent, "harness.recorded", "complete")
    retire(server, surplus)
    return Recorded(
        run_id=run.run_id,
        seal=top,
        experiment=place,
        parent=places[PARENT].info.run_id,
        children={name: places[name].info.run_id for name in sorted(arms)},
        uri=server.shown,
    )


def _whole(places: Places) -> bool:
    """Whether all was sent: the parent is marked last, and an arm made anew still runs."""
    marked = places[PARENT].data.tags.get("harness.recorded") == "complete"
    return marked and all(run.info.status == "FINISHED" for run in places.values())


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
