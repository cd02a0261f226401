"""A dataset is encoded once, into the cache, and every run finds it there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import SpecError
from harness.flow.progress import Silent
from harness.flow.reference import build
from harness.flow.run import run
from tests.flow.pictured import digits, noise, write_suite

MODEL = {"model": "digits-features"}


def built(dataset: str, folder: Path) -> dict[str, Any]:
    return build(dataset, "vision", MODEL, folder, Silent())


def test_a_run_reads_what_was_built_and_encodes_it_not_again(
    tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.encoders.vision import Vision

    found = built("digits-heldout", tmp_path)
    assert (found["images"], found["width"], found["unreadable"]) == (600, 64, 0)
    assert Path(found["folder"]).is_relative_to(cache_root)
    built("digits-train", tmp_path)
    seen: list[int] = []
    whole = Vision.encode

    def counted(self: Vision, media: object) -> object:
        seen.append(len(media))  # type: ignore[arg-type]
        return whole(self, media)  # type: ignore[arg-type]

    monkeypatch.setattr(Vision, "encode", counted)
    assert built("digits-heldout", tmp_path) == found
    run(write_suite(tmp_path, digits("heldout", 2)), out=tmp_path / "run")
    assert sum(seen) == 20 + 1  # the outputs, and the planted copy


def test_what_cannot_be_read_is_counted(tmp_path: Path, cache_root: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, data in enumerate(noise(3)):
        (folder / f"{number}.png").write_bytes(data)
    (folder / "broken.png").write_bytes(b"\x89PNG")
    found = built(str(folder), tmp_path)
    assert (found["images"], found["unreadable"]) == (3, 1)


def test_a_dataset_that_is_not_there_is_an_error(tmp_path: Path, cache_root: Path) -> None:
    with pytest.raises(SpecError, match="no such dataset"):
        built(str(tmp_path / "none"), tmp_path)


@pytest.mark.parametrize("broken", [0, 2])
def test_a_dataset_without_a_readable_image_is_an_error(
    broken: int, tmp_path: Path, cache_root: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(broken):
        (folder / f"{number}.png").write_bytes(b"\x89PNG")
    for _ in range(2):  # the second time from the cache
        with pytest.raises(SpecError, match=f"none of {broken} images") as caught:
            built(str(folder), tmp_path)
    assert ("of the first" in str(caught.value)) == bool(broken)
    assert ("it is no PNG" in str(caught.value)) == bool(broken)


def test_pictures_of_a_reference_that_cannot_be_read_leave_nothing_scored(
    tmp_path: Path, cache_root: Path
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number, data in enumerate(noise(3)):
        (folder / f"{number}.png").write_bytes(data)
    for name in ("w", "x", "y", "z"):
        (folder / f"{name}.png").write_bytes(b"\x89PNG")
    suite = write_suite(tmp_path, digits("heldout", 1))
    suite.write_text(suite.read_text().replace("reference: digits-heldout", "reference: bad"))
    view, _ = run(suite, out=tmp_path / "run")
    kid = next(m for m in view.metrics if m.name == "fidelity.kid[digits-features]")
    assert (kid.value, kid.low, kid.n, kid.missing) == (None, None, 0, 10)
    (found,) = {gap.reason for gap in view.shortfalls if gap.stage == "fidelity"}
    said = "4 of 7 pictures of the reference 'bad' could not be read: take them out of it"
    assert found == f"unsupported: {said} (w.png, x.png, y.png, ...)"
    copies = next(m for m in view.metrics if m.name == "memorization.copy_rate")
    assert copies.n == 10  # its own training set can be read


def test_the_first_pictures_that_cannot_be_read_are_named(
    tmp_path: Path, cache_root: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, data in enumerate(noise(2)):
        (folder / f"{number}.png").write_bytes(data)
    (folder / "broken.png").write_bytes(b"\x89PNG")
    found = built(str(folder), tmp_path)
    assert found["next"][0] == (
        "1 of 3 pictures of the reference 'images' could not be read: "
        "take them out of it (broken.png)"
    )
