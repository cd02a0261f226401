"""A judged run to files: the metrics table, the decision, and a report in each format."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness import durable, registry
from harness.engine import schemas
from harness.engine.store import Store
from harness.records import RunView


def report(view: RunView, store: Store) -> None:
    """Write what is derived from a run's scores. The same run gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [dataclasses.asdict(metric) for metric in view.metrics]
    table = pa.Table.from_pylist(rows, schema=schemas.metrics())
    durable.write_with(
        store.root / "metrics.parquet",
        lambda scratch: pq.write_table(table, scratch, compression="zstd"),
    )
    if view.policy is None:
        (store.root / "policy.json").unlink(missing_ok=True)
    else:
        store.write_json("policy.json", view.policy)
    store.write_json("decision.json", decision(view))
    for name in registry.names("reporters"):
        reporter = registry.load("reporters", name)()
        durable.write(store.root / reporter.filename, reporter.render(view))


def decision(view: RunView) -> dict[str, Any]:
    """What was decided and on what: no time, no path, so that it can be derived again."""
    return {
        "schema": "harness/decision/v1",
        "run_id": view.run_id,
        "outcome": view.outcome,
        "digests": dict(view.digests),
        "verdicts": [dataclasses.asdict(verdict) for verdict in view.verdicts],
        "shortfalls": [dataclasses.asdict(shortfall) for shortfall in view.shortfalls],
    }
