"""A medium that cannot be read fails alone, and every answer stands in its item's place."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.encoders.itemwise import answer, pictures
from harness.records import Failure, Image


def image(pixels: Any) -> Image:
    return Image(np.asarray(pixels))


def test_a_grey_picture_has_three_equal_channels() -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    flat, deep = pictures([image(grey), image(grey[:, :, None])])
    assert isinstance(flat, np.ndarray)
    assert isinstance(deep, np.ndarray)
    np.testing.assert_array_equal(flat, np.stack([grey] * 3, axis=2))
    np.testing.assert_array_equal(deep, flat)


def test_a_picture_three_pixels_high_keeps_its_rows() -> None:
    pixels = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    (found,) = pictures([image(pixels)])
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((4, 4, 3), np.float32), "float32, not uint8"),
        (np.zeros((4, 4, 3), np.int64), "int64, not uint8"),
        (np.zeros((4, 4, 4), np.uint8), r"\[4, 4, 4\], not"),
        (np.zeros((0, 4, 3), np.uint8), r"\[0, 4, 3\], not"),
        (np.zeros((4,), np.uint8), r"\[4\], not"),
        (np.zeros((1, 65, 3), np.uint8), "1 x 65 pixels: too narrow"),
        (np.zeros((6500, 100, 3), np.uint8), "6500 x 100 pixels: too narrow"),
    ],
)
def test_pixels_that_are_no_picture_say_what_they_are(
    pixels: NDArray[Any], reason: str
) -> None:
    (found,) = pictures([image(pixels)])
    assert isinstance(found, Failure)
    assert re.search(reason, found.reason)


def test_a_text_is_no_picture() -> None:
    assert pictures(["a cat"]) == [Failure("not a picture", "unsupported")]


@given(st.lists(st.one_of(st.floats(-9, 9), st.just(None), st.just(float("nan")))))
def test_every_answer_stands_in_its_place(values: list[float | None]) -> None:
    def read(items: list[float]) -> NDArray[np.float32]:
        return np.array(items, np.float32)[:, None] * 2

    found = answer([Failure("no") if v is None else v for v in values], read)
    assert len(found) == len(values)
    for value, one in zip(values, found, strict=True):
        if value is None:
            assert one == Failure("no")
        elif np.isnan(value):
            assert one == Failure("the model's answer is not finite")
        else:
            assert isinstance(one, np.ndarray)
            assert one[0] == np.float32(value) * 2


def test_nothing_to_read_asks_the_model_nothing() -> None:
    def refuse(items: list[str]) -> NDArray[np.float32]:
        raise AssertionError(items)

    assert answer([Failure("no"), Failure("nor this")], refuse)[1] == Failure("nor this")
    assert answer([], refuse) == []


def test_a_model_that_answers_too_few_is_caught() -> None:
    with pytest.raises(ValueError, match="shorter"):
        answer(["a", "b"], lambda items: np.zeros((1, 2), np.float32))
