"""Which outputs a report shows, masked: texts worst first, pictures as galleries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from harness.engine.store import Store
from harness.flow.gallery import Made, Measure, choose, measure
from harness.flow.rows import ArmKey, planned_of
from harness.flow.shortfalls import shortfalls
from harness.flow.thumbnails import thumbnail
from harness.flow.veil import veil
from harness.metrics.pii.mask import mask
from harness.protocols import Bound, Proportion
from harness.records import Example, Image, Output, Picture, Place

_FLAGGED, _PLAIN, _CHARACTERS, _WINDOW = 6, 3, 600, 20_000


def examples(
    store: Store, arms: Sequence[ArmKey], scorers: Sequence[Bound]
) -> tuple[Example, ...]:
    """Choose what to show of each arm.

    Of texts up to nine: those with most flags, then the first of the plan. Of
    pictures the worst and the best by flags and score, and the same few of all arms.
    """
    flags = _flags(store, scorers)
    pictured = _pictured(store, arms)
    chosen = {arm: _chosen(store, arm, flags) for arm in arms if arm not in pictured}
    prompts = _rows(store, "cases", ("case_id", "prompt"), set().union(*chosen.values()))
    texts = [
        _example(arm, prompts[case_id], output, flags)
        for arm, outputs in chosen.items()
        for case_id, output in outputs.items()
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
    flags: Mapping[str, Sequence[str]],
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
    store: Store,
    arm: ArmKey,
    keys: Mapping[str, str],
    by: Measure,
    flags: Mapping[str, Sequence[str]],
) -> list[Made]:
    """What the arm answered, in plan order."""
    status = _status(store, arm)
    return [
        Made(
            case=case,
            key=keys[case],
            ok=status[output] == "ok",
            flags=len(flags.get(output, ())),
            score=by.scores.get(output),
        )
        for case, output in _planned(store, arm).items()
        if output in status
    ]


def _keys(store: Store) -> dict[str, str]:
    """By case, the prompt and repeat that it has in common with other arms' cases."""
    table = store.columns("cases", ("case_id", "prompt_id", "repeat"))
    columns = (table[name].to_pylist() for name in table.column_names)
    return {case: f"{prompt}/{repeat}" for case, prompt, repeat in zip(*columns, strict=True)}


def _status(store: Store, arm: ArmKey) -> dict[str, str]:
    """By output, what came of its last attempt."""
    stored = store.columns("outputs", ("output_id", "status"), {arm.fingerprint})
    ids, status = (stored[name].to_pylist() for name in ("output_id", "status"))
    return dict(zip(ids, status, strict=True))


def _chosen(
    store: Store, arm: ArmKey, flags: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """The outputs to show, by case: worst first. Only their own texts are read as Python."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    planned = planned_of(store, arm)
    stored = store.columns("outputs", ("output_id", "status"), {arm.fingerprint})
    stored = stored.take(pa.array(np.arange(stored.num_rows)[::-1]))  # the last attempt first
    place = pc.index_in(planned["output_id"], stored["output_id"])
    fine = pc.fill_null(pc.equal(stored["status"].take(place), "ok"), fill_value=False)
    flagged = pc.is_in(planned["output_id"], pa.array(list(flags), pa.string()))
    bad = pc.and_(pc.is_valid(place), pc.or_(pc.invert(fine), flagged))
    shown = planned.filter(bad)
    pairs = zip(shown["case_id"].to_pylist(), shown["output_id"].to_pylist(), strict=True)
    worst = sorted(pairs, key=lambda pair: -len(flags.get(pair[1], ())))[:_FLAGGED]
    cases = [case for case, _ in worst]
    first = planned["case_id"].filter(fine).slice(0, _FLAGGED + _PLAIN).to_pylist()
    cases += islice((case for case in first if case not in cases), _PLAIN)
    wanted = ("case_id", "output_id", "status", "text", "error")
    rows = _rows(store, "outputs", wanted, set(cases), arm.fingerprint)
    return {case: rows[case] for case in cases}


def _planned(store: Store, arm: ArmKey) -> dict[str, str]:
    """The output each case of the arm has to have, in plan order."""
    table = planned_of(store, arm)
    ids, outputs = (table[name].to_pylist() for name in ("case_id", "output_id"))
    return dict(zip(ids, outputs, strict=True))


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
    arm: ArmKey,
    case: dict[str, Any],
    output: dict[str, Any],
    flags: Mapping[str, Sequence[str]],
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
