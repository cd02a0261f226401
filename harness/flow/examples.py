"""Which outputs a report shows: the worst first, then a few as they come; masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.engine.store import Store
from harness.flow.aggregate import ArmKey
from harness.metrics.pii.mask import mask
from harness.protocols import Bound, Proportion
from harness.records import Example, Shortfall

_FLAGGED, _PLAIN, _CHARACTERS = 6, 3, 600


def examples(
    store: Store, arms: Sequence[ArmKey], scorers: Sequence[Bound]
) -> tuple[Example, ...]:
    """Choose up to nine outputs an arm: those with most flags, then the first of the plan."""
    flags = _flags(store, scorers)
    cases = store.columns("cases", ["case_id", "generator", "strategy", "prompt"])
    outputs = {
        row["case_id"]: row
        for row in store.columns(
            "outputs", ["output_id", "case_id", "fingerprint", "status", "text", "error"]
        ).to_pylist()
    }
    shown: list[Example] = []
    for arm in arms:
        own = [
            (row, outputs[row["case_id"]])
            for row in cases.to_pylist()
            if (row["generator"], row["strategy"]) == (arm.generator, arm.strategy)
            and outputs.get(row["case_id"], {}).get("fingerprint") == arm.fingerprint
        ]
        ranked = sorted(own, key=lambda pair: -len(flags.get(pair[1]["output_id"], ())))
        worst = [p for p in ranked if p[1]["output_id"] in flags or p[1]["error"]][:_FLAGGED]
        plain = [p for p in own if p not in worst and not p[1]["error"]][:_PLAIN]
        shown += [_example(arm, *pair, flags) for pair in worst + plain]
    return tuple(shown)


def shortfalls(
    store: Store, arms: Sequence[ArmKey], scorers: Sequence[Bound]
) -> tuple[Shortfall, ...]:
    """Count, by reason, what was planned and has no output or no score."""
    names = ["case_id", "fingerprint", "status", "error"]
    tables = [("generate", "outputs", {arm.fingerprint for arm in arms})]
    tables += [(s.name, f"scores/{s.name}", {s.fingerprint}) for s in scorers]
    cases = store.columns("cases", ["case_id", "generator", "strategy"]).to_pylist()
    arm_of = {row["case_id"]: (row["generator"], row["strategy"]) for row in cases}
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for stage, table, fingerprints in tables:
        last: dict[str, dict[str, Any]] = {}
        for row in store.columns(table, names).to_pylist():
            known = row["case_id"] in arm_of and row["fingerprint"] in fingerprints
            if known and last.get(row["case_id"], {}).get("status") != "ok":
                last[row["case_id"]] = row
        for case_id, row in last.items():
            if row["status"] != "ok":
                reason = mask(str(row["error"]))[:200]
                counts[(*arm_of[case_id], stage, f"{row['status']}: {reason}")] += 1
    return tuple(
        Shortfall(generator=g, strategy=s, stage=stage, reason=reason, count=count)
        for (g, s, stage, reason), count in sorted(counts.items())
    )


def _flags(store: Store, scorers: Sequence[Bound]) -> dict[str, list[str]]:
    """By output: the bad things its scorers saw, where `bad` is a true share to keep low."""
    flags: dict[str, list[str]] = {}
    for scorer in scorers:
        bad = sorted(
            {
                definition.kind.column
                for definition in scorer.plugin.metrics.values()
                if isinstance(definition.kind, Proportion) and definition.better == "lower"
            }
        )
        names = ["output_id", "fingerprint", "status", *(f"value_{name}" for name in bad)]
        for row in store.columns(f"scores/{scorer.name}", names).to_pylist():
            if row["fingerprint"] == scorer.fingerprint and row["status"] == "ok":
                seen = [f"{scorer.name}.{name}" for name in bad if row[f"value_{name}"]]
                if seen:
                    flags[row["output_id"]] = flags.get(row["output_id"], []) + seen
    return flags


def _example(
    arm: ArmKey, case: dict[str, Any], output: dict[str, Any], flags: dict[str, list[str]]
) -> Example:
    text = output["text"] if output["text"] is not None else output["error"] or ""
    return Example(
        generator=arm.generator,
        strategy=arm.strategy,
        prompt=mask(case["prompt"])[:_CHARACTERS],
        text=mask(text)[:_CHARACTERS],
        status=output["status"],
        flags=tuple(flags.get(output["output_id"], ())),
    )
