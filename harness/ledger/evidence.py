"""What a promotion rests on, and whether its parts speak of the same run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import digests
from harness.errors import AlteredError, RefusedError
from harness.ledger.seal import DECISION
from harness.ledger.subject import Subject, evaluated
from harness.records import RunView

MANIFEST, SUITE = "manifest.json", "suite.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Where a run stands in MLflow: its parent run, and one child run an arm.

    `seal` is the run's root digest when it was sent. `children` are MLflow run
    ids by `generator/strategy`. `uri` is the server without any password.
    """

    run_id: str
    seal: str
    experiment: str
    parent: str
    children: dict[str, str]
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A run assessed just now, its folder, what it evaluated, and how it was recorded.

    `expected_seal` is the root digest the caller trusts: the one the run had
    when it was judged.
    """

    run: RunView
    root: Path
    subject: Subject
    recorded: Recorded
    expected_seal: str


def read(root: Path, name: str) -> Any:
    """Read one JSON file of a run.

    Raises:
        AlteredError: It is absent or not JSON.
    """
    try:
        return json.loads((root / name).read_bytes())
    except (OSError, ValueError) as error:
        raise AlteredError(f"{name} cannot be read", where=str(root / name)) from error


def check_decision(run: RunView, root: Path) -> str:
    """Check that the stored decision is the run's, and return the digest of its file.

    Raises:
        AlteredError: The folder holds another run, or another decision.
    """
    stored = read(root, DECISION)
    ours = {"run_id": run.run_id, "outcome": run.outcome, "digests": run.digests}
    other = [key for key, value in ours.items() if _plain(value) != stored.get(key)]
    if other:
        raise AlteredError(
            f"the stored decision differs from the run's own in {', '.join(other)}",
            where=str(root / DECISION),
            fix="judge the run again, then seal and record it",
        )
    return digests.of_file(root / DECISION)


def check_subject(run: RunView, root: Path, subject: Subject) -> None:
    """Check that the run evaluated this subject: its weights, options and strategies.

    Raises:
        RefusedError: It evaluated something else.
    """
    arms = [arm for arm in read(root, MANIFEST)["arms"] if arm["generator"] == subject.name]
    where = f"generator {subject.name!r} of {run.run_id}"
    if not arms:
        raise RefusedError("the run evaluated no such generator", where=where)
    if any(evaluated(arm["identity"]) != subject.evaluated for arm in arms):
        raise RefusedError("the run evaluated other weights or settings", where=where)
    _check_strategies(root, {arm["strategy"] for arm in arms}, subject, where)
    known = run.digests.get("subjects", {}).get(subject.name, subject.digest)
    if known != subject.digest:
        raise RefusedError("the run evaluated another model under this name", where=where)


def _check_strategies(root: Path, used: set[str], subject: Subject, where: str) -> None:
    claimed = subject.config.get("strategies")
    asked = {item["name"]: item["params"] for item in read(root, SUITE)["strategies"]}
    ran = {name: params for name, params in asked.items() if name in used}
    if claimed is not None and _plain(claimed) != ran:
        raise RefusedError("the run evaluated other sampling strategies", where=where)


def _plain(value: Any) -> Any:
    """A value as it reads back from JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
