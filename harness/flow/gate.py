"""The whole gate: run, judge, record, and promote what passed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.flow.baselines import CHAMPION
from harness.flow.champion import champion_of
from harness.flow.progress import Progress
from harness.flow.promote import promote
from harness.flow.record import record
from harness.flow.run import Options, run
from harness.records import RunView


def gate(
    suite: Path,
    policy: Path,
    options: Options | None = None,
    *,
    model: str | None = None,
    alias: str = CHAMPION,
    progress: Progress | None = None,
) -> tuple[RunView, Path, dict[str, Any]]:
    """Do it all, in order; what was recorded and promoted is in the third value.

    Raises:
        HarnessError: A file does not fit, a model is absent, or MLflow cannot be reached.
    """
    how = options or Options()
    if how.champion is None:
        runs = how.out.parent if how.out else how.runs
        how = replace(how, champion=champion_of(None, policy, runs, model=model, alias=alias))
    view, folder = run(suite, policy, how, progress=progress)
    done: dict[str, Any] = {}
    if how.track or model:
        done["mlflow"] = record(view, folder)
    if model:
        done["promotion"] = promote(view, folder, model, alias)
    return view, folder, done
