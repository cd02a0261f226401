"""PSNR and SSIM: worked by hand, against a formula in NumPy, and what leaves them alone."""

from __future__ import annotations

from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.scorers.pixelwise import PSNR_CEILING, psnr, ssim

Pixels = NDArray[np.uint8]
SEEDS = st.integers(0, 10**6)


def noise(seed: int, high: int = 24, wide: int = 17) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (high, wide, 3), dtype=np.uint8)


def flat(value: int, side: int = 12) -> Pixels:
    return np.full((side, side, 3), value, dtype=np.uint8)


def ssim_by_hand(x: Pixels, y: Pixels) -> float:
    """Equation 13 of Wang et al. over windows laid out one by one."""
    along = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(along, along)
    weights /= weights.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for channel in range(3):
        a, b = (
            sliding_window_view(one[..., channel].astype(np.float64), (11, 11))
            for one in (x, y)
        )
        mean_a, mean_b = ((one * weights).sum((-2, -1)) for one in (a, b))
        from_a, from_b = a - mean_a[..., None, None], b - mean_b[..., None, None]
        var_a, var_b, both = (
            (one * weights).sum((-2, -1)) for one in (from_a**2, from_b**2, from_a * from_b)
        )
        numerator = (2 * mean_a * mean_b + c1) * (2 * both + c2)
        found.append(numerator / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
    return float(np.mean(found))


def test_psnr_of_a_constant_difference_is_worked_by_hand() -> None:
    # Ten of 255 everywhere: 20 log10(25.5) = 28.1308 dB.
    assert psnr(flat(100), flat(110)) == pytest.approx(28.1308, abs=1e-4)
    assert psnr(flat(0), flat(255)) == pytest.approx(0.0, abs=1e-9)


def test_equal_pictures_have_the_ceiling_and_no_infinity() -> None:
    assert psnr(noise(1), noise(1)) == PSNR_CEILING == 60.0
    # One value in 300,000 off by one would have 102.9 dB.
    near = flat(9, 317)
    near[0, 0, 0] += 1
    assert psnr(near, flat(9, 317)) == PSNR_CEILING


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_psnr_is_its_formula_for_pictures_of_any_range(seed: int) -> None:
    # A dark pair too: a range guessed from the pictures would make it worse.
    x, y = noise(seed) // 8, noise(seed + 1) // 8
    squares = (x.astype(np.float64) - y) ** 2
    # torchmetrics keeps the logarithm of ten in float32.
    assert psnr(x, y) == pytest.approx(10 * log10(255**2 / squares.mean()), rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from([1, 4]))
def test_ssim_is_the_formula_of_its_paper(seed: int, darker: int) -> None:
    x = noise(seed, 19, 15) // darker
    change = np.random.default_rng(seed).normal(size=x.shape) * 30
    y = np.clip(x + change, 0, 255).astype(np.uint8)
    assert ssim(x, y) == pytest.approx(ssim_by_hand(x, y), abs=1e-9)


def test_ssim_of_flat_pictures_is_worked_by_hand() -> None:
    # No variance: (2 * 100 * 110 + 6.5025) / (100^2 + 110^2 + 6.5025).
    assert ssim(flat(100), flat(110)) == pytest.approx(22006.5025 / 22106.5025, abs=1e-12)


def test_ssim_of_the_smallest_picture_is_that_of_one_window() -> None:
    x, y = noise(1, 11, 11), noise(2, 11, 11)
    assert ssim(x, y) == pytest.approx(ssim_by_hand(x, y), abs=1e-9)


def test_edges_are_not_mirrored() -> None:
    # A difference in a corner is seen by the windows that hold it, and by no mirrored one.
    x, y = flat(90, 40), flat(90, 40)
    y[0, 0] = 255
    assert ssim(x, y) == pytest.approx(ssim_by_hand(x, y), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_both_are_the_same_either_way_round_and_mirrored(seed: int) -> None:
    x, y = noise(seed), noise(seed + 1)
    for measure in (psnr, ssim):
        found = measure(x, y)
        assert found == pytest.approx(measure(y, x), abs=1e-9)
        left, right = (np.ascontiguousarray(one[::-1, ::-1]) for one in (x, y))
        assert found == pytest.approx(measure(left, right), abs=1e-9)
    assert ssim(x, x) == pytest.approx(1.0, abs=1e-12)
    assert -1.0 <= ssim(x, y) <= 1.0


def test_a_picture_that_may_not_be_written_to_is_read() -> None:
    x = noise(1)
    x.setflags(write=False)
    assert psnr(x, x) == PSNR_CEILING
    assert ssim(x, x) == pytest.approx(1.0)
