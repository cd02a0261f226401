"""Pictures hung in rows: the worst, the best, and the same prompts under every arm."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.records import Example, Picture, Place, RunView
from harness.reporters.findings import arm_names

_OURS = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")
_SIDE, _ENLARGED, _CAPTION = 96, 64, 120
_TITLES: dict[Place, tuple[str, str]] = {
    "worst": ("Worst", "Flagged first, then a few that failed, then the worst scores."),
    "best": ("Best", "The best scores of what nothing flagged."),
    "drawn": ("Drawn at random", "The same prompts in every row, whatever their scores."),
}


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture as it is hung. `width` and `height` are those on the page, in CSS pixels.

    `source` is empty where there is none; `missing` then says why. `name` tells
    one picture of the page from another.
    """

    name: str
    prompt: str
    caption: str
    source: str
    width: int
    height: int
    size: str
    crisp: bool
    score: float | None
    measured: bool
    flags: tuple[str, ...]
    hidden: str
    missing: str


@dataclass(frozen=True, slots=True)
class Row:
    """The pictures of one arm; none where nothing of it belongs on this wall."""

    arm: str
    shots: tuple[Shot, ...]


@dataclass(frozen=True, slots=True)
class Wall:
    """A row for each arm, under one title. `measure` says what the scores are, if any."""

    title: str
    about: str
    measure: str
    rows: tuple[Row, ...]


def walls(run: RunView) -> tuple[Wall, ...]:
    """Hang the run's pictures; no walls where it has none."""
    found = [
        (one, one.picture, f"picture-{number}")
        for number, one in enumerate(run.examples)
        if one.picture
    ]
    names = arm_names((one.generator, one.strategy) for one, _, _ in found)
    hung = []
    for place, (title, about) in _TITLES.items():
        here = [item for item in found if item[1].place == place]
        rows = tuple(
            Row(arm, tuple(_shot(*item) for item in here if _arm(item[0]) == key))
            for key, arm in names.items()
        )
        if here:
            measure = here[0][1].measure
            hung.append(Wall(title, about, measure, rows))
    return tuple(hung)


def _arm(example: Example) -> tuple[str, str]:
    return example.generator, example.strategy


def _shot(example: Example, picture: Picture, name: str) -> Shot:
    source = picture.source if _OURS.fullmatch(picture.source) else ""
    width, height = _shown_size(picture)
    return Shot(
        name=name,
        prompt=example.prompt,
        caption=_line(example.prompt),
        source=source,
        width=width,
        height=height,
        size=f"{picture.width} × {picture.height}",
        crisp=max(picture.width, picture.height) < _ENLARGED,
        score=picture.score,
        measured=bool(picture.measure),
        flags=example.flags,
        hidden=picture.hidden if source else "",
        missing="" if source else _line(example.text) or "nothing came back",
    )


def _line(text: str) -> str:
    """The start of a text on one line; the whole of a prompt is what a picture is read as."""
    line = " ".join(text.split())
    return line if len(line) <= _CAPTION else f"{line[:_CAPTION].rstrip()}…"


def _shown_size(picture: Picture) -> tuple[int, int]:
    """The size on the page: small pictures a whole number of times as large, never cut."""
    longest = max(picture.width, picture.height, 1)
    scale: float = _SIDE // longest if longest < _ENLARGED else min(1.0, _SIDE / longest)
    return (
        max(1, round(picture.width * scale)),
        max(1, round(picture.height * scale)),
    )
