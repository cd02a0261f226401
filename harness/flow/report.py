"""A judged run to files: the metrics table, the decision, and a report in each format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness import durable, registry
from harness.engine import schemas
from harness.engine.store import Store
from harness.metrics.pii.mask import mask
from harness.records import Finding, RunView

_BY_PEOPLE = ("waived", "not_applicable")


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
        durable.remove(store.root / "policy.json")
    else:
        store.write_json("policy.json", view.policy)
    store.write_json("decision.json", decision(view))
    for name in registry.names("reporters"):
        reporter = registry.load("reporters", name)()
        durable.write(store.root / reporter.filename, reporter.render(masked(view)))


def decision(view: RunView) -> dict[str, Any]:
    """What was decided and on what: no hour, no path, so that it can be derived again.

    `judged_on` is the day, and there only where a waiver or a document depends on it.
    """
    shown = masked(view)
    return {
        "schema": "harness/decision/v1",
        "run_id": shown.run_id,
        "outcome": shown.outcome,
        "digests": dict(shown.digests),
        "verdicts": [dataclasses.asdict(verdict) for verdict in shown.verdicts],
        "shortfalls": [dataclasses.asdict(shortfall) for shortfall in shown.shortfalls],
        "excuses": [dataclasses.asdict(excuse) for excuse in shown.excuses],
        "attempts": [dataclasses.asdict(attempt) for attempt in shown.attempts],
        "progressions": [dataclasses.asdict(way) for way in shown.progressions],
        "notices": list(shown.notices),
        "judged_on": shown.judged_on,
    }


def masked(view: RunView) -> RunView:
    """The run as it may be shown: no personal data in what people wrote to excuse a rule.

    Reasons, tickets and notices are masked. Who asked for a waiver and who
    approved it stay, as a policy's owner does: they answer for it by name.
    """
    return replace(
        view,
        policy=None if view.policy is None else _policy(view.policy),
        verdicts=tuple(
            replace(verdict, findings=tuple(map(_finding, verdict.findings)))
            for verdict in view.verdicts
        ),
        excuses=tuple(
            replace(excuse, reason=mask(excuse.reason), ticket=mask(excuse.ticket))
            for excuse in view.excuses
        ),
        notices=tuple(map(mask, view.notices)),
    )


def _finding(finding: Finding) -> Finding:
    """Mask a reason that a person wrote; a message of ours holds numbers and digests."""
    if finding.outcome not in _BY_PEOPLE:
        return finding
    return replace(finding, message=mask(finding.message))


def _policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Mask the reasons for which rules do not apply."""
    excepted = policy.get("not_applicable") or {}
    return {
        **policy,
        "not_applicable": {name: mask(reason) for name, reason in excepted.items()},
        "rules": [_rule(rule) for rule in policy.get("rules") or ()],
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    compare = rule.get("compare")
    if not compare or not compare.get("if_absent"):
        return dict(rule)
    return {**rule, "compare": {**compare, "if_absent": mask(compare["if_absent"])}}
