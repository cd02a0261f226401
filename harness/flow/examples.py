"""Which outputs a report shows, masked: texts worst first, pictures as galleries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness import ids
from harness.engine.store import Store
from harness.flow.flags import Flags
from harness.flow.gallery import Made, Measure, choose, measure
from harness.flow.rows import ArmKey, places, planned_of
from harness.flow.shortfalls import shortfalls
from harness.flow.thumbnails import thumbnail
from harness.flow.veil import veil
from harness.metrics.pii.mask import mask
from harness.protocols import Bound
from harness.records import Example, Image, Output, Picture, Place

if TYPE_CHECKING:
    import pyarrow as pa

_FLAGGED, _PLAIN, _CHARACTERS, _WINDOW = 6, 3, 600, 20_000


def examples(
    store: Store, arms: Sequence[ArmKey], scorers: Sequence[Bound]
) -> tuple[Example, ...]:
    """Choose what to show of each arm.

    Of texts up to nine: those with most flags, then the first of the plan. Of
    pictures the worst and the best by flags and score, and the same few of all arms.
    """
    flags = Flags(store, scorers)
    pictured = _pictured(store, arms)
    chosen = {arm: _chosen(store, arm, flags) for arm in arms if arm not in pictured}
    cases = {output["case_id"] for outputs in chosen.values() for output in outputs}
    prompts = _rows(store, "cases", ("case_id", "prompt"), cases)
    texts = [
        _example(arm, prompts[output["case_id"]], output, flags)
        for arm, outputs in chosen.items()
        for output in outputs
    ]
    return (*texts, *(_pictures(store, pictured, scorers, flags) if pictured else ()))


def _pictured(store: Store, arms: Sequence[ArmKey]) -> list[ArmKey]:
    """The arms that make images; where some do, also those in which everything failed."""
    import pyarrow.compute as pc

    images, others = {}, {}
    for arm in arms:
        table = store.columns("outputs", ("status", "media"), {arm.fingerprint})
        images[arm] = pc.count(table["media"]).as_py()
        others[arm] = (pc.sum(pc.equal(table["status"], "ok")).as_py() or 0) - images[arm]
    return [arm for arm in arms if others[arm] <= 0] if any(images.values()) else []


def _pictures(
    store: Store,
    arms: Sequence[ArmKey],
    scorers: Sequence[Bound],
    flags: Flags,
) -> list[Example]:
    by = measure(store, scorers)
    keys = _keys(store)
    made = {arm: _made(store, arm, keys, by, flags) for arm in arms}
    chosen = choose(made, by.better)
    cases = {one.case for shown in chosen.values() for _, one in shown}
    prompts = _rows(store, "cases", ("case_id", "prompt"), cases)
    guard = veil(store, scorers)
    found = []
    for arm, shown in chosen.items():
        names = ("case_id", "output_id", "batch_id", "status", "text", "media", "error")
        outputs = _rows(
            store, "outputs", names, {one.case for _, one in shown}, arm.fingerprint
        )
        for place, one in shown:
            output = outputs[one.case]
            example = _example(arm, prompts[one.case], output, flags)
            picture = _picture(store, arm, output, place, by)
            if picture.source:
                reason = guard.reason(output["output_id"], example.flags)
                picture = replace(picture, hidden=reason)
            found.append(replace(example, picture=picture))
    return found


def _picture(
    store: Store, arm: ArmKey, row: Mapping[str, Any], place: Place, by: Measure
) -> Picture:
    told = f"{by.name}, {by.better} is better" if by.name else ""
    blank = Picture(source="", width=0, height=0, place=place, measure=told)
    if row["media"] is None:
        return blank
    fields = ("output_id", "case_id", "batch_id", "status", "media")
    output = Output(**{name: row[name] for name in fields}, fingerprint=arm.fingerprint)
    image = store.get(output)
    if not isinstance(image, Image):
        return blank
    height, width = image.pixels.shape[:2]
    score = by.scores.get(output.output_id)
    return replace(blank, source=thumbnail(image), width=width, height=height, score=score)


def _made(
    store: Store, arm: ArmKey, keys: Mapping[str, str], by: Measure, flags: Flags
) -> list[Made]:
    """What the arm answered, in plan order."""
    status = _status(store, arm)
    planned = planned_of(store, arm, ("case_id",))
    cases, outputs = (planned[name].to_pylist() for name in ("case_id", "output_id"))
    counts = flags.counts(planned["output_id"]).tolist()
    return [
        Made(
            case=case,
            key=keys[case],
            ok=status[output.hex()] == "ok",
            flags=count,
            score=by.scores.get(output.hex()),
        )
        for case, output, count in zip(cases, outputs, counts, strict=True)
        if output.hex() in status
    ]


def _keys(store: Store) -> dict[str, str]:
    """By case, the prompt and repeat that it has in common with other arms' cases."""
    table = store.columns("cases", ("case_id", "prompt_id", "repeat"))
    columns = (table[name].to_pylist() for name in table.column_names)
    return {case: f"{prompt}/{repeat}" for case, prompt, repeat in zip(*columns, strict=True)}


def _status(store: Store, arm: ArmKey) -> dict[str, str]:
    """By output, what came of its last attempt."""
    stored = store.columns("outputs", ("output_id", "status"), {arm.fingerprint})
    outputs, status = (stored[name].to_pylist() for name in ("output_id", "status"))
    return dict(zip(outputs, status, strict=True))


def _chosen(store: Store, arm: ArmKey, flags: Flags) -> list[dict[str, Any]]:
    """The outputs to show, worst first. Only these few are read as Python."""
    import numpy as np

    planned = planned_of(store, arm)["output_id"]
    stored = store.columns("outputs", ("output_id", "status"), {arm.fingerprint}, each=_state)
    place = places(stored["output_id"], planned)
    there = place >= 0
    fine = there.copy()
    fine[there] = stored["fine"].to_numpy()[place[there]]
    counts = flags.counts(planned)
    bad = np.flatnonzero(there & (~fine | (counts > 0)))
    rows = bad[np.argsort(-counts[bad], kind="stable")][:_FLAGGED].tolist()
    first = np.flatnonzero(fine)[: _FLAGGED + _PLAIN].tolist()
    rows += islice((row for row in first if row not in rows), _PLAIN)
    shown = [output.hex() for output in planned.take(rows).to_pylist()]
    wanted = ("output_id", "case_id", "status", "text", "error")
    found = _rows(store, "outputs", wanted, shown, arm.fingerprint)
    return [found[output] for output in shown]


def _state(part: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    fine = pc.equal(part["status"], "ok")
    return ids.pack(part.select(["output_id"]), "output_id").append_column("fine", fine)


def _rows(
    store: Store,
    table: str,
    names: Sequence[str],
    wanted: Collection[str],
    fingerprint: str | None = None,
) -> dict[str, dict[str, Any]]:
    """A few rows by their first column, the last attempt of each winning."""
    import pyarrow as pa
    import pyarrow.compute as pc

    key, few = names[0], pa.array(sorted(wanted), pa.string())

    def own(part: pa.Table) -> pa.Table:
        return part.filter(pc.is_in(part[key], few))

    found = store.columns(table, names, {fingerprint} if fingerprint else None, each=own)
    return {row[key]: row for row in found.to_pylist()}


def _example(
    arm: ArmKey,
    case: dict[str, Any],
    output: dict[str, Any],
    flags: Flags,
) -> Example:
    text = output["text"] if output["text"] is not None else output["error"] or ""
    return Example(
        generator=arm.generator,
        strategy=arm.strategy,
        prompt=_shown(case["prompt"]),
        text=_shown(text),
        status=output["status"],
        flags=flags.of(output["output_id"]),
    )


def _shown(text: str) -> str:
    """The start of a text, masked; of a huge one no more is searched than is shown."""
    masked = mask(text[:_WINDOW])
    if len(masked) < _CHARACTERS < len(text):
        masked = mask(text)
    return masked[:_CHARACTERS]


__all__ = ["examples", "shortfalls"]
