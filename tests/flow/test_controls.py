"""Planted items of images: an encoder that forgets or sees nothing lets no picture pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness import registry
from harness.flow.run import run
from harness.records import Failure, Image, Media, Modality, RunView
from tests.flow.pictured import digits, write_suite
from tests.flow.plugs import Plug

SCORERS = """\
scorers:
  - {use: memorization, options: {training: real, threshold: 0.01, encoder: {use: sees}}}
  - {use: fidelity, options: {reference: real, encoder: {use: sees}}}
"""
COPIES, RECALL = "memorization.copy_rate", "fidelity.recall[sees]"


class Sees(Plug):
    """An encoder that gives whatever `see` makes of a picture, and counts what it is shown."""

    accepts: frozenset[Modality] = frozenset({"image"})
    see: Callable[[NDArray[np.uint8]], Any]
    seen: list[int]

    def encode(self, media: Sequence[Media]) -> list[Any]:
        self.seen.append(len(media))
        return [type(self).see(one.pixels) for one in media if isinstance(one, Image)]


def make_encoder(monkeypatch: pytest.MonkeyPatch, see: Callable[[Any], Any]) -> type[Sees]:
    made = type("Given", (Sees,), {"see": staticmethod(see), "seen": []})
    made.__module__ = __name__
    monkeypatch.setitem(registry._local, ("encoders", "sees"), made)
    return made


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a sound encoder may see: the picture itself, small."""
    return np.asarray(pixels[::8, ::8, 0].reshape(-1) / 255, np.float32)


def judged(folder: Path, training: Sequence[tuple[str, bytes]]) -> RunView:
    """A run of twenty held-out digits, held against other ones."""
    suite = write_suite(folder, digits("heldout", 2))
    text = suite.read_text()
    suite.write_text(text[: text.index("scorers:")] + SCORERS)
    (folder / "real").mkdir(exist_ok=True)
    for number, (_, data) in enumerate(training):
        (folder / "real" / f"{number}.png").write_bytes(data)
    return run(suite, out=folder / "run")[0]


def read(view: RunView, name: str) -> tuple[float | None, int]:
    found = next(m for m in view.metrics if m.name == name and m.slice == "all")
    return found.value, found.n


def reasons(view: RunView) -> set[str]:
    return {gap.reason.removeprefix("error: ") for gap in view.shortfalls}


def test_a_sound_encoder_finds_the_planted_copy_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_encoder(monkeypatch, thumbnail)
    view = judged(tmp_path, digits("train", 2))
    assert read(view, COPIES) == (0.0, 20)
    assert sum(made.seen) == 20 + 20 + 1  # outputs, training pictures, the planted one
    made.seen.clear()
    again = judged(tmp_path, digits("train", 2))
    assert again.metrics == view.metrics
    assert not made.seen


def test_an_encoder_that_gives_other_features_each_time_finds_no_copy_and_scores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = np.random.default_rng(0)
    make_encoder(monkeypatch, lambda pixels: drawn.normal(size=16).astype(np.float32))
    view = judged(tmp_path, digits("heldout", 2))
    assert read(view, COPIES) == (None, 0)
    assert "a planted item was misread: copy is not True" in reasons(view)


def test_an_encoder_that_no_longer_reads_scores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([thumbnail] * 40)
    down = Failure("down")
    make_encoder(monkeypatch, lambda pixels: next(left, lambda _: down)(pixels))
    view = judged(tmp_path, digits("train", 2))
    assert read(view, COPIES) == (None, 0)
    assert "a planted item could not be scored: down" in reasons(view)


def test_an_encoder_to_which_all_pictures_look_the_same_scores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_encoder(monkeypatch, lambda pixels: np.ones(4, np.float32))
    view = judged(tmp_path, digits("train", 2))
    assert read(view, COPIES) == (None, 0)
    assert read(view, RECALL) == (None, 0)
    assert reasons(view) == {
        "the encoder tells no picture of 'training' from another",
        "the encoder tells no picture of 'real' from another",
    }


def test_a_dataset_without_a_readable_picture_scores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_encoder(monkeypatch, thumbnail)
    view = judged(tmp_path, [("broken", b"\x89PNG broken")])
    assert (read(view, COPIES), read(view, RECALL)) == ((None, 0), (None, 0))
    assert reasons(view) == {
        "no picture of 'training' could be read", "no picture of 'real' could be read"
    }  # fmt: skip
