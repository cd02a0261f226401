"""What must hold of a run before a model is promoted on it; each refusal says what does not."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from harness.errors import AlteredError, RefusedError
from harness.ledger.connection import Server
from harness.ledger.decision import Decision
from harness.ledger.entries import Entry
from harness.ledger.evidence import Evidence, read
from harness.ledger.seal import MEASURED, SEAL
from harness.ledger.tracking import FOLDER

Rules = Literal["policy", "suite"]
DIGESTS: Mapping[Rules, str] = {"policy": "policy_sha256", "suite": "exam_sha256"}
"""Which digest of a promotion's evidence tells that its rules are others: of a suite its
prompts, samples and scorers count, since each candidate is another model."""
MAX_AGE_DAYS = 30
"""A policy's own default for `evidence.max_age_days`."""
_AHEAD = timedelta(minutes=5)
"""How far a signer's clock may be ahead of ours."""
_PAGE = 1000


def check_pass(outcome: str | None, where: str) -> None:
    """Refuse everything but a pass.

    Raises:
        RefusedError: The verdict is another, or there is none.
    """
    if outcome != "pass":
        verdict = outcome or "absent: no policy was applied"
        raise RefusedError(
            f"the verdict is {verdict}; only a pass moves an alias",
            where=where,
            fix="read report.html in the run's folder: it says what stands in the way",
        )


def check_signed(decision: Decision, evidence: Evidence, now: datetime) -> None:
    """Refuse a decision that is not a fresh pass about this subject.

    Raises:
        RefusedError: It is another verdict, too old, or about other models.
    """
    root, subject = evidence.root, evidence.subject
    check_pass(decision.outcome, f"{root}, signed by {decision.signer}")
    days = int(
        (evidence.run.policy or {}).get("evidence", {}).get("max_age_days", MAX_AGE_DAYS)
    )
    age = now - decision.time
    if not -_AHEAD <= age <= timedelta(days=days):
        told = f"{age.days} days old" if age > _AHEAD else "signed in the future"
        raise RefusedError(
            f"the decision is {told}; the policy lets it count for {days} days",
            where=f"{root}, signed {decision.time.isoformat(timespec='seconds')}",
            fix=f"harness judge {root}, then record and promote it again",
        )
    if decision.subjects.get(subject.name) != subject.digest:
        raise RefusedError(
            "the signed decision is not about this model",
            where=f"{subject.name!r}, subject {subject.digest[:12]}",
            fix=f"harness judge {root}, with the model's files in place",
        )


def check_recorded(server: Server, evidence: Evidence, top: str) -> None:
    """Check that MLflow holds this run under this seal.

    Raises:
        RefusedError: MLflow does not know the run.
        AlteredError: It was recorded under another seal.
    """
    from mlflow.exceptions import MlflowException

    parent, fix = evidence.recorded.parent, f"harness record {evidence.root}"
    try:
        tags = server.client.get_run(parent).data.tags
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise RefusedError(
            "this MLflow does not know the run", where=f"{parent} at {server.shown}", fix=fix
        ) from error
    if tags.get("harness.run_id") != evidence.run.run_id:
        raise RefusedError("that MLflow run is about another run", where=parent)
    if tags.get("harness.recorded") != "complete":
        raise RefusedError("the run is only half recorded", where=parent, fix=fix)
    if tags.get("harness.seal") != top:
        raise AlteredError(
            "the run was recorded under another seal: it was judged again since, or changed",
            where=parent,
            fix=fix,
        )


def check_unchanged(server: Server, evidence: Evidence) -> None:
    """Check that what MLflow recorded of this run before is still part of it.

    A run may be judged anew, and grow by parts; what was measured stays. So each
    measured file of an earlier seal must be in today's, and the same. A repetition in
    another folder has the same name, and shares no file of outputs, since these hold
    times: it is another measurement, and stands in the way only where it failed under
    this very policy.

    Raises:
        AlteredError: Something measured was changed, or an earlier seal cannot be read.
        RefusedError: The same run was made elsewhere, and failed.
    """
    now = read(evidence.root, SEAL)["files"]
    for earlier in _recordings(server, evidence.run.run_id):
        parent = earlier.info.run_id
        if parent == evidence.recorded.parent:
            continue
        then = _sealed(server, parent)
        other = sorted(n for n, d in then.items() if n.startswith(MEASURED) and now.get(n) != d)
        same = any(n.startswith("outputs/") and now.get(n) == d for n, d in then.items())
        if other and same:
            raise AlteredError(
                "the run was changed since it was first recorded",
                where=f"{', '.join(other[:9])}; MLflow run {parent}",
                fix="restore these files, or run the suite again in a new folder",
            )
        tags = earlier.data.tags
        ours = tags.get("harness.policy_digest") == str(evidence.run.digests.get("policy"))
        if other and ours and tags.get("harness.outcome") == "fail":
            raise RefusedError(
                "the same run was made before, with other outputs, and failed",
                where=f"MLflow run {parent}",
                fix="another seed is another attempt: see `attempts` in the policy",
            )


def check_rules(decision: Decision, last: Entry | None, meant: frozenset[Rules]) -> None:
    """Refuse other rules than those of the last promotion, unless they are meant.

    Args:
        decision: What was signed.
        last: The last promotion that applied.
        meant: What the caller says may be another.

    Raises:
        RefusedError: The policy or the suite is another.
    """
    if last is None:
        return
    before = last.change.evidence
    now = {"policy": decision.policy["sha256"], "suite": decision.suite["exam"]}
    for rules, name in DIGESTS.items():
        digest = now[rules]
        if rules not in meant and before.get(name) != digest:
            raise RefusedError(
                f"the run was judged by another {rules} than the last promotion",
                where=f"{before.get(rules)} {before.get(name, '')[:12]} "
                f"({last.told}); now {str(digest)[:12]}",
                fix=f"if that is meant, say so, and why: --changed {rules} --reason WHY",
            )


def _recordings(server: Server, run_id: str) -> Iterator[Any]:
    """Every complete recording of a run, in any experiment, deleted ones included."""
    from mlflow.entities import ViewType

    places = [
        place.experiment_id
        for place in server.client.search_experiments(
            view_type=ViewType.ALL, max_results=50_000
        )
    ]
    said = {"harness.run_id": run_id, "harness.role": "run", "harness.recorded": "complete"}
    query = " and ".join(f"tags.`{name}` = '{value}'" for name, value in said.items())
    token = None
    while True:
        page = server.client.search_runs(
            places, query, run_view_type=ViewType.ALL, max_results=_PAGE, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _sealed(server: Server, parent: str) -> dict[str, str]:
    from mlflow.exceptions import MlflowException

    try:
        with tempfile.TemporaryDirectory() as scratch:
            place = server.client.download_artifacts(parent, f"{FOLDER}/{SEAL}", scratch)
            return dict(json.loads(Path(place).read_bytes())["files"])
    except (MlflowException, OSError, ValueError, LookupError, TypeError) as error:
        raise AlteredError(
            "what was first recorded of the run cannot be read",
            where=f"{FOLDER}/{SEAL} of MLflow run {parent}",
            fix="restore it in MLflow, or run the suite again in a new folder",
        ) from error
