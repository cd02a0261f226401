"""The resize is TensorFlow 1's: worked by hand, aliased, and deaf to half pixels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.encoders.resize_tf1 import resize_tf1


def test_doubling_two_pixels_is_tensorflow_s_and_not_the_aligned_one() -> None:
    # Of TensorFlow 1.15, tf.image.resize_bilinear([[1, 2], [3, 4]], (4, 4)) by its formula:
    # new pixel i lies at i / 2, and the last pixel stands for what lies beyond the edge.
    small = np.array([[1, 2], [3, 4]], np.uint8)[:, :, None]
    expected = [[1, 1.5, 2, 2], [2, 2.5, 3, 3], [3, 3.5, 4, 4], [3, 3.5, 4, 4]]
    np.testing.assert_array_equal(resize_tf1(small, 4)[:, :, 0], expected)


def test_shrinking_looks_at_two_pixels_only() -> None:
    # 8 to 2: places 0 and 4, exactly on pixels; what lies between is not seen.
    line = np.array([10, 99, 99, 99, 20, 99, 99, 99], np.uint8)
    square = np.broadcast_to(line[None, :, None], (8, 8, 1))
    np.testing.assert_array_equal(resize_tf1(square, 2)[0, :, 0], [10, 20])


def test_five_pixels_become_three_by_hand() -> None:
    # Places 0, 5/3, 10/3: 0, 10 + 2/3 of 10, 30 + 1/3 of 10.
    line = np.arange(0, 50, 10, dtype=np.uint8)
    square = np.broadcast_to(line[None, :, None], (5, 5, 1))
    found = resize_tf1(square, 3)[0, :, 0]
    np.testing.assert_allclose(found, [0, 50 / 3, 100 / 3], rtol=1e-6)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_no_resize_leaves_the_range_of_its_pixels(
    high: int, wide: int, size: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (high, wide, 3), dtype=np.uint8)
    found = resize_tf1(pixels, size)
    assert found.shape == (size, size, 3)
    assert found.dtype == np.float32
    assert pixels.min() - 1e-3 <= found.min()
    assert found.max() <= pixels.max() + 1e-3


def test_the_size_it_has_changes_nothing() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (299, 299, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_tf1(pixels, 299), pixels)
