from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.special import xlogy
from scipy.stats import norm

from harness.metrics.stats.proportion import wilson_upper
from harness.metrics.stats.tango import tango_bounds

CONFIDENCES = st.floats(0.6, 0.999)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int]:
    pairs = draw(st.integers(1, 300))
    only_ours = draw(st.integers(0, pairs))
    return only_ours, draw(st.integers(0, pairs - only_ours)), pairs


def score(ours: int, theirs: int, pairs: int, difference: float) -> float:
    """Give the score statistic, the restricted likelihood being maximised numerically."""
    lowest, highest = max(0.0, -difference), (1.0 - difference) / 2.0

    def loss(share: float) -> float:
        rest = max(1.0 - 2.0 * share - difference, 0.0)
        terms = xlogy(ours, max(share + difference, 0.0)) + xlogy(theirs, share)
        return -float(terms + xlogy(pairs - ours - theirs, rest))

    found = minimize_scalar(
        loss, bounds=(lowest, highest), method="bounded", options={"xatol": 1e-13}
    )
    share = min((lowest, highest, float(found.x)), key=loss)
    variance = pairs * (2.0 * share + difference * (1.0 - difference))
    return (ours - theirs - pairs * difference) / sqrt(variance)


def test_without_discordant_pairs_the_bounds_are_those_by_hand() -> None:
    square = 1.959963984540054**2
    low, high = tango_bounds(0, 0, 50, 0.975)
    assert high == pytest.approx(square / (50 + square))
    assert low == -high
    assert high == pytest.approx(wilson_upper(0, 50, 0.975))


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ((1, 7, 21), (-0.517, -0.026)),  # Bentur et al. (2009)
        ((6, 16, 161), (-0.1240, -0.0054)),  # Cavo et al. (2012)
    ],
)
def test_published_intervals_come_out(
    table: tuple[int, int, int], expected: tuple[float, float]
) -> None:
    """As in Fagerland, Lydersen and Laake (2017), chapter 8, and its R package."""
    assert tango_bounds(*table, 0.975) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("ours", "theirs", "pairs"),
    [(3, 9, 40), (9, 3, 40), (0, 1, 44), (1, 0, 30), (0, 6, 60), (20, 20, 50), (30, 2, 400)],
)
@pytest.mark.parametrize("confidence", [0.9, 0.975])
def test_bounds_invert_the_score_test_by_brute_force(
    ours: int, theirs: int, pairs: int, confidence: float
) -> None:
    z, seen = float(norm.ppf(confidence)), (ours - theirs) / pairs
    low, high = tango_bounds(ours, theirs, pairs, confidence)
    assert high == pytest.approx(
        brentq(lambda d: score(ours, theirs, pairs, d) + z, seen, 1 - 1e-9), abs=1e-5
    )
    assert low == pytest.approx(
        brentq(lambda d: score(ours, theirs, pairs, d) - z, -1 + 1e-9, seen), abs=1e-5
    )


def test_a_rule_on_no_difference_decides_as_mcnemars_test_does() -> None:
    assert (7 - 19) / sqrt(7 + 19) == pytest.approx(-2.3534, abs=1e-4)
    confidence = float(norm.cdf(2.3534))
    assert tango_bounds(7, 19, 90, confidence)[1] == pytest.approx(0.0, abs=1e-4)


@settings(deadline=None)
@given(tables(), CONFIDENCES)
def test_the_difference_is_inside_and_swapping_sides_mirrors(
    table: tuple[int, int, int], confidence: float
) -> None:
    ours, theirs, pairs = table
    low, high = tango_bounds(ours, theirs, pairs, confidence)
    assert -1.0 <= low <= (ours - theirs) / pairs <= high <= 1.0
    assert high - low > 0.05 / pairs
    assert tango_bounds(theirs, ours, pairs, confidence) == (-high, -low)


@settings(deadline=None)
@given(tables(), CONFIDENCES)
def test_turning_a_pair_our_way_never_lowers_a_bound(
    table: tuple[int, int, int], confidence: float
) -> None:
    ours, theirs, pairs = table
    before = np.array(tango_bounds(ours, theirs, pairs, confidence))
    if ours + theirs < pairs:
        after = np.array(tango_bounds(ours + 1, theirs, pairs, confidence))
        assert (after >= before - 1e-9).all()
    if theirs > 0:
        after = np.array(tango_bounds(ours, theirs - 1, pairs, confidence))
        assert (after >= before - 1e-9).all()


@settings(deadline=None)
@given(tables(), CONFIDENCES)
def test_more_of_the_same_never_widens(table: tuple[int, int, int], confidence: float) -> None:
    ours, theirs, pairs = table
    low, high = tango_bounds(ours, theirs, pairs, confidence)
    nearer = tango_bounds(2.5 * ours, 2.5 * theirs, 2.5 * pairs, confidence)
    assert low - 1e-9 <= nearer[0] <= nearer[1] <= high + 1e-9


def test_one_side_winning_every_pair_leaves_a_bound_open() -> None:
    low, high = tango_bounds(50, 0, 50, 0.975)
    assert high == 1.0
    assert 0.8 < low < 1.0


def test_both_bounds_hold_about_as_often_as_promised() -> None:
    rng = np.random.Generator(np.random.PCG64(6))
    runs, held = 2000, np.zeros(2)
    for ours, theirs, _ in rng.multinomial(200, [0.15, 0.05, 0.8], size=runs):
        low, high = tango_bounds(float(ours), float(theirs), 200, 0.95)
        held += [low <= 0.1, high >= 0.1]
    assert (held / runs >= 0.95 - 0.01 - 3 * sqrt(0.95 * 0.05 / runs)).all()
