"""Why planned cases have no output, or outputs no score: counted by cause."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness.engine import identity
from harness.engine.store import Store
from harness.flow.aggregate import ArmKey
from harness.metrics.pii.mask import mask
from harness.protocols import Bound
from harness.records import Shortfall

_CHARACTERS, _MOST = 200, 20
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\b[0-9a-f]{8,}\b|\d+(?:\.\d+)?")


def shortfalls(
    store: Store, arms: Sequence[ArmKey], scorers: Sequence[Bound]
) -> tuple[Shortfall, ...]:
    """Count, by cause, what was planned and has no output or no score.

    Reasons that differ only in a number, an id or a quoted text have one cause
    and are shown as one, by the first of them. Beyond 20 causes of one arm and
    stage the rest are counted together.
    """
    return tuple(
        Shortfall(
            generator=arm.generator, strategy=arm.strategy, stage=stage, reason=reason, count=n
        )
        for arm in sorted(arms, key=lambda a: (a.generator, a.strategy))
        for stage, reasons in sorted(_of_arm(store, arm, scorers))
        for reason, n in _grouped(reasons)
    )


def _of_arm(
    store: Store, arm: ArmKey, scorers: Sequence[Bound]
) -> Iterator[tuple[str, list[str]]]:
    planned = _planned(store, arm)
    outputs = _last(store, "outputs", arm.fingerprint)
    yield "generate", _reasons(planned, outputs, "not generated")
    answered = [output for output in planned if outputs.get(output, "") is None]
    for scorer in scorers:
        scores = _last(store, f"scores/{scorer.name}", scorer.fingerprint)
        yield scorer.name, _reasons(answered, scores, "never read: not its kind of media")


def _planned(store: Store, arm: ArmKey) -> list[str]:
    table = store.columns("cases", ("case_id", "generator", "strategy"))
    columns = (table[name].to_pylist() for name in table.column_names)
    return [
        identity.output_id(case, arm.fingerprint)
        for case, generator, strategy in zip(*columns, strict=True)
        if (generator, strategy) == (arm.generator, arm.strategy)
    ]


def _last(store: Store, table: str, fingerprint: str) -> dict[str, str | None]:
    """By output, why its last attempt failed; None where one succeeded."""
    names = ("output_id", "status", "error")
    found = store.columns(table, names, {fingerprint})
    columns = (found[name].to_pylist() for name in names)
    last: dict[str, str | None] = {}
    for output, status, error in zip(*columns, strict=True):
        if last.get(output, "") is not None:
            last[output] = None if status == "ok" else f"{status}: {error}"
    return last


def _reasons(wanted: Sequence[str], found: Mapping[str, str | None], absent: str) -> list[str]:
    every = (found.get(output, f"error: {absent}") for output in wanted)
    return [reason for reason in every if reason is not None]


def _grouped(reasons: Sequence[str]) -> list[tuple[str, int]]:
    """Each cause with its count, the most frequent first."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for reason in reasons:
        groups[_VARIABLE.sub("#", reason)].append(reason)
    counted = [(mask(min(same))[:_CHARACTERS], len(same)) for same in groups.values()]
    ranked = sorted(counted, key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in ranked[_MOST:])
    return [*ranked[:_MOST], *([("other causes", rest)] if rest else [])]
