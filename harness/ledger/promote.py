"""Move a model to an alias, because sealed and recorded evidence says it may."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import AlteredError, RefusedError
from harness.ledger.connection import Server, connected
from harness.ledger.evidence import Evidence, check_decision, check_subject
from harness.ledger.seal import verify
from harness.ledger.versions import UPLOAD_SECONDS, aliases_of, differences

_ATTEMPTS, _PAUSE_SECONDS = 6, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """An alias that was moved: from which version, to which, and on what grounds."""

    model: str
    alias: str
    version: str
    previous: str | None
    run_id: str
    seal: str
    subject_digest: str
    decision_digest: str


def promote(model: str, version: str, alias: str, evidence: Evidence) -> Promotion:
    """Set `alias` on a registered version, if the evidence allows exactly that.

    Nothing stored is believed: the run's files are digested again and compared
    with the seal the caller trusts and with the one in MLflow; the version's
    files are downloaded and digested again. Until all of it holds, nothing is
    written.

    Args:
        model: The registered model's name.
        version: Its version.
        alias: For example `champion`.
        evidence: The run as assessed just now, and what it evaluated.

    Raises:
        RefusedError: The verdict is not a pass, or is not about this version.
        AlteredError: The run's folder was changed after it was sealed.
        TrackingError: MLflow cannot be reached.
    """
    run, root, subject = evidence.run, evidence.root, evidence.subject
    if run.outcome != "pass":
        verdict = run.outcome or "absent: no policy was applied"
        raise RefusedError(
            f"the verdict is {verdict}; only a pass moves an alias",
            where=run.run_id,
            fix="read report.html in the run's folder: it says what stands in the way",
        )
    top = verify(root, evidence.expected_seal)
    decision = check_decision(run, root)
    check_subject(run, root, subject)
    with connected(seconds=UPLOAD_SECONDS) as server:
        _check_record(server, evidence, top)
        previous = aliases_of(server, model).get(alias)
        other = differences(server, model, version, subject)
        if other:
            raise RefusedError(
                f"version {version} of {model!r} is not the model that was evaluated",
                where=", ".join(other),
                fix="register the evaluated folder, and promote that version",
            )
        labels = {
            "outcome": "pass",
            "run_id": run.run_id,
            "seal": top,
            "decision": decision,
            "policy_digest": str(run.digests.get("policy")),
            "subject_digest": subject.digest,
        }
        for name, value in labels.items():
            server.client.set_model_version_tag(model, version, f"harness.{name}", value)
        _set_alias(server, model, alias, version)
    return Promotion(
        model=model,
        alias=alias,
        version=version,
        previous=previous,
        run_id=run.run_id,
        seal=top,
        subject_digest=subject.digest,
        decision_digest=decision,
    )


def _check_record(server: Server, evidence: Evidence, top: str) -> None:
    """Check that MLflow holds this run under this seal.

    Raises:
        RefusedError: MLflow does not know the run.
        AlteredError: It was recorded under another seal.
    """
    from mlflow.exceptions import MlflowException

    parent = evidence.recorded.parent
    try:
        tags = server.client.get_run(parent).data.tags
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise RefusedError(
            "this MLflow does not know the run",
            where=f"{parent} at {server.shown}",
            fix=f"harness record {evidence.root}",
        ) from error
    if tags.get("harness.run_id") != evidence.run.run_id:
        raise RefusedError("that MLflow run is about another run", where=parent)
    if tags.get("harness.recorded") != "complete":
        raise RefusedError(
            "the run is only half recorded", where=parent, fix=f"harness record {evidence.root}"
        )
    if tags.get("harness.seal") != top:
        raise AlteredError(
            "the run was recorded under another seal: it was judged again since, or changed",
            where=parent,
            fix=f"harness record {evidence.root}",
        )


def _set_alias(server: Server, model: str, alias: str, version: str) -> None:
    """Set the alias and see that it stands: the one write that changes what is served."""
    _patiently(lambda: server.client.set_registered_model_alias(model, alias, version))
    if (now := aliases_of(server, model).get(alias)) != version:
        raise RefusedError(
            f"someone else moved {alias!r} to version {now} at the same time",
            where=model,
            fix="compare with the version that stands there now, then promote again",
        )


def _patiently(write: Callable[[], object]) -> None:
    """Try again where two writers make the same new alias: the loser's insert is refused."""
    from mlflow.exceptions import MlflowException

    for attempt in range(_ATTEMPTS):
        try:
            write()
        except MlflowException as error:
            raced = error.error_code == "BAD_REQUEST" or "IntegrityError" in str(error)
            if not raced or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_SECONDS * 2**attempt)
        else:
            return
