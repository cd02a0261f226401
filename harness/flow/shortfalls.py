"""Why planned cases have no output, or outputs no score: counted by cause."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from harness import ids
from harness.engine.store import Store
from harness.flow.rows import ArmKey, places, planned_of
from harness.metrics.pii.mask import mask
from harness.protocols import Bound
from harness.records import Shortfall

if TYPE_CHECKING:
    import pyarrow as pa

_CHARACTERS, _MOST = 200, 20
# Of a reason that is too long: what happened stands first, and why at the end.
_HEAD = 60
_TIMES = re.compile(r" \(asked \d+ times\)")
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\b[0-9a-f]{8,}\b|\d+(?:\.\d+)?")


def shortfalls(
    store: Store, arms: Sequence[ArmKey], scorers: Sequence[Bound]
) -> tuple[Shortfall, ...]:
    """Count, by cause, what was planned and has no output or no score.

    Reasons that differ only in a number, an id, a quoted text or how often was asked
    have one cause and are shown as one, by the first of them. Beyond 20 causes of one arm and
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
) -> Iterator[tuple[str, Mapping[str, int]]]:
    planned, kind = planned_of(store, arm)["output_id"], _kind(store, arm)
    answered, reasons = _split(store, "outputs", arm.fingerprint, planned, "not generated")
    yield "generate", reasons
    for scorer in scorers:
        table = f"scores/{scorer.name}"
        unread = _unread(scorer, kind)
        yield scorer.name, _split(store, table, scorer.fingerprint, answered, unread)[1]


def _unread(scorer: Bound, kind: str) -> str:
    """Why a scorer may have no row of an output; of one that is only named, either."""
    if scorer.plugin is None:
        return "not scored yet, or not its kind of media"
    fits = kind in scorer.plugin.accepts
    return "not scored yet" if fits else "never read: not its kind of media"


def _kind(store: Store, arm: ArmKey) -> str:
    """What an arm makes, by the first output that there is."""
    import pyarrow.compute as pc

    for part in store.scan("outputs", ("status", "media"), {arm.fingerprint}):
        fine = part["media"].filter(pc.equal(part["status"], "ok"))
        if len(fine):
            return "image" if fine[0].is_valid else "text"
    return ""


def _split(
    store: Store, table: str, fingerprint: str, wanted: pa.ChunkedArray, absent: str
) -> tuple[pa.ChunkedArray, dict[str, int]]:
    """Which outputs have a row that succeeded, and how often the others have which reason."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = ("output_id", "status", "error")
    found = store.columns(table, names, {fingerprint}, each=_reasons)
    fine = pc.is_null(found["reason"])
    good = places(found["output_id"].filter(fine), wanted) >= 0
    failed = found.filter(pc.invert(fine))
    lacking = wanted.filter(pa.array(~good))
    place = places(failed["output_id"], lacking)
    told = failed["reason"].take(pa.array(place, mask=place < 0))
    counted = pc.value_counts(told.fill_null(f"error: {absent}"))
    answered = wanted if good.all() else wanted.filter(pa.array(good))
    return answered, {one["values"]: one["counts"] for one in counted.to_pylist()}


def _reasons(part: pa.Table) -> pa.Table:
    """Packed ids, and why each failed; null where it did not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    told = pc.binary_join_element_wise(part["status"], part["error"].fill_null("None"), ": ")
    reasons = pc.if_else(pc.equal(part["status"], "ok"), pa.scalar(None, pa.string()), told)
    return ids.pack(part.select(["output_id"]), "output_id").append_column("reason", reasons)


def _grouped(reasons: Mapping[str, int]) -> list[tuple[str, int]]:
    """Each cause with its count, the most frequent first."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for reason in reasons:
        groups[_VARIABLE.sub("#", _TIMES.sub("", reason))].append(reason)
    counted = [
        (_short(mask(min(same))), sum(reasons[one] for one in same)) for same in groups.values()
    ]
    ranked = sorted(counted, key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in ranked[_MOST:])
    return [*ranked[:_MOST], *([("other causes", rest)] if rest else [])]


def _short(reason: str) -> str:
    if len(reason) <= _CHARACTERS:
        return reason
    return f"{reason[:_HEAD]}…{reason[_HEAD + 1 - _CHARACTERS :]}"
