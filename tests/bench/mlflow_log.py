"""Time 2,000 metrics in our batches against one `log_metric` call each, on one SQLite file."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.ledger import tracking
from harness.ledger.connection import Server, connected

METRICS, LOOPED, TIMES = 2000, 200, 3


def batched(server: Server, run: Any, values: dict[str, float]) -> float:
    """Wall seconds of our way."""
    start = time.perf_counter()
    tracking._log(server, run, values, {}, {})
    return time.perf_counter() - start


def looped(server: Server, run: Any, values: dict[str, float]) -> float:
    """Wall seconds of MLflow's plain way."""
    start = time.perf_counter()
    for name, value in values.items():
        server.client.log_metric(run.info.run_id, name, value)
    return time.perf_counter() - start


def main() -> None:
    """Print one line of JSON."""
    values = {
        f"metric.{i % 40}/slice={i // 40}".replace("=", "_"): i / 7 for i in range(METRICS)
    }
    some = dict(list(values.items())[:LOOPED])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        with connected() as server:
            place = server.client.create_experiment("bench", folder)
            runs = [server.client.create_run(place) for _ in range(2 * TIMES + 1)]
            looped(server, runs[-1], dict(list(some.items())[:5]))
            ours = min(batched(server, run, values) for run in runs[:TIMES])
            peer = min(looped(server, run, some) for run in runs[TIMES:-1]) * METRICS / LOOPED
            first, second = (
                server.client.get_run(run.info.run_id).data.metrics
                for run in (runs[0], runs[TIMES])
            )
            apart = max(abs(first[name] - second[name]) for name in some)
    line = {
        "bench": "mlflow_log",
        "metrics": METRICS,
        "seconds": ours,
        "log_metric_seconds": peer,
        "log_metric_scaled_from": LOOPED,
        "ratio": peer / ours,
        "largest_difference": apart,
        "complete": first == values,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
