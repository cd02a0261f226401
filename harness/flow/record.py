"""Send a judged run to MLflow; results are on disk already, so nothing can be lost here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.ledger.connection import tracking_uri, ui_command
from harness.ledger.tracking import record as send
from harness.records import RunView


def record(view: RunView, folder: Path, *, experiment: str = "harness") -> dict[str, Any]:
    """Log a run and its arms, once however often it is called; say where, and how to look.

    Raises:
        TrackingError: MLflow cannot be reached; `harness record` sends the run later.
    """
    recorded = send(view, folder, experiment=experiment)
    return {
        "said": f"run {recorded.parent} in experiment {experiment!r}",
        "next": [f"look with: {ui_command()}"],
        "run": recorded.parent,
        "tracking_uri": tracking_uri(),
    }
