"""Time recording a run of 2,000 metrics and 200 files against a call for each.

Ours is `record` as users call it: it checks the seal, masks and gathers the files, agrees
on the runs and sends. The plain way sends the same numbers and files by `log_metric` and
`log_artifact`. On an SQLite file, and over HTTP to a server on one.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from harness.ledger import tracking
from harness.ledger.artifacts import gather
from harness.ledger.connection import connected
from harness.ledger.seal import seal
from harness.ledger.tracking import FOLDER, record
from harness.records import RunView
from tests.ledger.sealed_runs import make, metric, write_model
from tests.ledger.serving import served

METRICS, FILES, LOOPED = 2000, 200, 200
PER_METRIC, OTHER_FILES = 4, 9


def main() -> None:
    """Print one line of JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        view, root = _run(folder)
        line: dict[str, Any] = {
            "bench": "mlflow_log", "metrics": METRICS, "files": FILES,
            "log_metric_scaled_from": LOOPED,
        }  # fmt: skip
        for way in ("sqlite", "http"):
            store = f"sqlite:///{folder / way}.db"
            os.environ["MLFLOW_TRACKING_URI"] = store
            with connected():
                pass
            with served(store, folder) if way == "http" else nullcontext(store) as uri:
                os.environ["MLFLOW_TRACKING_URI"] = uri
                line[way] = _timed(view, root)
    print(json.dumps(line))


def _run(folder: Path) -> tuple[RunView, Path]:
    more = [
        metric("diversity.bleu", "nucleus", slice=f"topic={i}")
        for i in range(METRICS // PER_METRIC)
    ]
    view, root = make(folder / "run", write_model(folder / "model"), "pass", *more)
    for number in range(FILES - OTHER_FILES):
        shutil.copytree(root / "scores" / "diversity", root / "scores" / f"s{number}")
    seal(root)
    return view, root


def _timed(view: RunView, root: Path) -> dict[str, Any]:
    with connected() as server, tempfile.TemporaryDirectory() as scratch:
        gather(root, Path(scratch))
        files = sorted(path for path in Path(scratch).rglob("*") if path.is_file())
        tracking._experiment(server, "harness")
        _loop(server.client, files[:3], {"warm": 1.0})
        start = time.perf_counter()
        recorded = record(view, root)
        ours = time.perf_counter() - start
        start = time.perf_counter()
        record(view, root)
        again = time.perf_counter() - start
        sent = server.client.get_run(recorded.children["candidate/nucleus"]).data.metrics
        numbers, uploads = _loop(server.client, files, dict(sorted(sent.items())[:LOOPED]))
    plain = numbers * METRICS / LOOPED + uploads
    return {
        "seconds": round(ours, 3),
        "seconds_again": round(again, 3),
        "plain_seconds": round(plain, 3),
        "plain_metrics_seconds": round(numbers * METRICS / LOOPED, 3),
        "plain_files_seconds": round(uploads, 3),
        "ratio": round(plain / ours, 1),
        "metrics_sent": len(sent),
        "files_sent": len(files),
    }


def _loop(client: Any, files: list[Path], values: dict[str, float]) -> tuple[float, float]:
    """Wall seconds of MLflow's plain way: for the metrics, and for the files."""
    place = client.get_experiment_by_name("harness")
    run_id = client.create_run(place.experiment_id).info.run_id
    start = time.perf_counter()
    for name, value in values.items():
        client.log_metric(run_id, name, value)
    middle = time.perf_counter()
    for path in files:
        client.log_artifact(run_id, str(path), FOLDER)
    return middle - start, time.perf_counter() - middle


if __name__ == "__main__":
    main()
