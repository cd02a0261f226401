"""Which outputs a report shows: the worst first, then a few as they come; masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from harness.engine import identity
from harness.engine.store import Store
from harness.flow.aggregate import ArmKey
from harness.flow.shortfalls import shortfalls
from harness.metrics.pii.mask import mask
from harness.protocols import Bound, Proportion
from harness.records import Example

_FLAGGED, _PLAIN, _CHARACTERS, _WINDOW = 6, 3, 600, 20_000


def examples(
    store: Store, arms: Sequence[ArmKey], scorers: Sequence[Bound]
) -> tuple[Example, ...]:
    """Choose up to nine outputs an arm: those with most flags, then the first of the plan."""
    flags = _flags(store, scorers)
    chosen = {arm: _chosen(store, arm, flags) for arm in arms}
    prompts = _rows(store, "cases", ("case_id", "prompt"), set().union(*chosen.values()))
    return tuple(
        _example(arm, prompts[case_id], output, flags)
        for arm, outputs in chosen.items()
        for case_id, output in outputs.items()
    )


def _chosen(
    store: Store, arm: ArmKey, flags: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """The outputs to show, by case: worst first. Only their own texts are read as Python."""
    planned = _planned(store, arm)
    names = ("case_id", "output_id", "status")
    stored = store.columns("outputs", names, {arm.fingerprint})
    status = dict(
        zip(stored["output_id"].to_pylist(), stored["status"].to_pylist(), strict=True)
    )
    made = [case for case, output in planned.items() if output in status]
    bad = [c for c in made if status[planned[c]] != "ok" or flags.get(planned[c])]
    worst = sorted(bad, key=lambda case: -len(flags.get(planned[case], ())))[:_FLAGGED]
    fine = (c for c in made if status[planned[c]] == "ok" and c not in worst)
    cases = [*worst, *islice(fine, _PLAIN)]
    wanted = ("case_id", "output_id", "status", "text", "error")
    rows = _rows(store, "outputs", wanted, set(cases), arm.fingerprint)
    return {case: rows[case] for case in cases}


def _planned(store: Store, arm: ArmKey) -> dict[str, str]:
    """The output each case of the arm has to have, in plan order."""
    table = store.columns("cases", ("case_id", "generator", "strategy"))
    columns = (table[name].to_pylist() for name in table.column_names)
    return {
        case: identity.output_id(case, arm.fingerprint)
        for case, generator, strategy in zip(*columns, strict=True)
        if (generator, strategy) == (arm.generator, arm.strategy)
    }


def _rows(
    store: Store,
    table: str,
    names: Sequence[str],
    cases: set[str],
    fingerprint: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Rows of a few cases, the last attempt of each winning."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = store.columns(table, names, {fingerprint} if fingerprint else None)
    wanted = pc.is_in(found["case_id"], pa.array(sorted(cases), pa.string()))
    return {row["case_id"]: row for row in found.filter(wanted).to_pylist()}


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
        names = ["output_id", *(f"value_{name}" for name in bad)]
        table = store.columns(f"scores/{scorer.name}", names, {scorer.fingerprint})
        for name in bad if table.num_rows else ():
            seen = table.filter(table[f"value_{name}"])["output_id"].unique().to_pylist()
            for output in seen:
                flags.setdefault(output, []).append(f"{scorer.name}.{name}")
    return flags


def _example(
    arm: ArmKey, case: dict[str, Any], output: dict[str, Any], flags: dict[str, list[str]]
) -> Example:
    text = output["text"] if output["text"] is not None else output["error"] or ""
    return Example(
        generator=arm.generator,
        strategy=arm.strategy,
        prompt=_shown(case["prompt"]),
        text=_shown(text),
        status=output["status"],
        flags=tuple(flags.get(output["output_id"], ())),
    )


def _shown(text: str) -> str:
    """The start of a text, masked; of a huge one no more is searched than is shown."""
    masked = mask(text[:_WINDOW])
    if len(masked) < _CHARACTERS < len(text):
        masked = mask(text)
    return masked[:_CHARACTERS]


__all__ = ["examples", "shortfalls"]
