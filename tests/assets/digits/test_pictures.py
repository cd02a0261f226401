"""The digits: split once and for all, each label in proportion, and nothing in both parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.assets.cache import locate
from harness.assets.digits import pictures
from harness.records import Image
from harness.spec.images import images


def test_the_split_is_the_same_each_time_and_in_proportion() -> None:
    (train, held), (again, _) = pictures.split(), pictures.split()
    assert (len(train.labels), len(held.labels)) == (1197, 600)
    assert np.array_equal(train.pictures, again.pictures)
    assert set(np.bincount(held.labels)) <= set(range(55, 65))


def test_no_picture_is_in_both_parts() -> None:
    train, held = pictures.split()
    known = {picture.tobytes() for picture in train.pictures}
    assert not any(picture.tobytes() in known for picture in held.pictures)


def test_the_pictures_that_ship_are_those_of_the_split(tmp_path: Path) -> None:
    _, held = pictures.split()
    found = [one for _, one, _ in images(locate("digits-heldout") / "images.parquet")]
    assert len(found) == len(held.pictures)
    kept = {one.pixels[:, :, 0].tobytes() for one in found if isinstance(one, Image)}
    assert kept == {picture.tobytes() for picture in held.pictures}


def test_each_step_sees_other_rows_until_all_were_seen() -> None:
    drawn = np.concatenate(list(pictures.batches(10, 5, 4, seed=1)))
    assert sorted(drawn[:10]) == list(range(10)) == sorted(drawn[10:])
