"""The whole gate: run, judge, record, and promote what passed."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.engine.remote import working
from harness.flow.baselines import CHAMPION
from harness.flow.champion import champion_of
from harness.flow.progress import Progress
from harness.flow.promote import Asked, check_meant, promote
from harness.flow.record import record
from harness.flow.run import Options, run
from harness.ledger.grounds import Rules
from harness.records import RunView


@dataclass(frozen=True, slots=True)
class Target:
    """The registered model and the alias that move on PASS, which rules may be new, and why."""

    model: str
    alias: str = CHAMPION
    changed: frozenset[Rules] = frozenset()
    reason: str = ""


def gate(
    suite: Path,
    policy: Path,
    options: Options | None = None,
    *,
    target: Target | None = None,
    progress: Progress | None = None,
) -> tuple[RunView, Path, dict[str, Any]]:
    """Do it all, in order; what was recorded and promoted is in the third value.

    Raises:
        HarnessError: A file does not fit, a model is absent, or MLflow cannot be reached.
    """
    how = options or Options()
    with working(how.out) if how.out else nullcontext() as out:
        how = replace(how, out=out)
        view, folder = decide(suite, policy, how, target=target, progress=progress)
        return view, folder, settle(view, folder, track=how.track, target=target)


def decide(
    suite: Path,
    policy: Path,
    options: Options | None = None,
    *,
    target: Target | None = None,
    progress: Progress | None = None,
) -> tuple[RunView, Path]:
    """Run and judge in a folder here, held against what the target serves now.

    Raises:
        HarnessError: A file does not fit, a model is absent, or MLflow cannot be reached.
    """
    how = options or Options()
    if target:
        check_meant(target.alias, _asked(target))  # not after hours of generating
    if how.champion is None:
        runs = Path(how.out).parent if how.out else how.runs
        model, alias = (target.model, target.alias) if target else (None, CHAMPION)
        how = replace(how, champion=champion_of(None, policy, runs, model=model, alias=alias))
    return run(suite, policy, how, progress=progress)


def settle(
    view: RunView, folder: Path, *, track: bool = True, target: Target | None = None
) -> dict[str, Any]:
    """Record a judged run, and promote what passed; the run is whole on disk whatever happens.

    Raises:
        HarnessError: MLflow cannot be reached, or the promotion is refused.
    """
    done: dict[str, Any] = {}
    if track or target:
        done["mlflow"] = record(view, folder)
    if target:
        asked = _asked(target)
        done["promotion"] = promote(view, folder, target.model, target.alias, asked)
    return done


def _asked(target: Target) -> Asked:
    return Asked(changed=target.changed, reason=target.reason)
