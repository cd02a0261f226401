import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.metrics.stats import bootstrap
from harness.metrics.stats.bootstrap import ratio_bounds, ratios, resample, smooth_bounds


def made(clusters: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, 60, size=clusters).astype(float)
    return np.stack((lengths * rng.gamma(4.0, 0.5, size=clusters), lengths), axis=1)


def test_bounds_are_scipys_bca_bounds_at_the_same_level() -> None:
    sums = made(200)
    found = ratio_bounds(sums, 0.95, seed=1)
    reach = np.sqrt(200 / 199) * stats.t.ppf(0.95, 199)
    expected = stats.bootstrap(
        (sums[:, 0], sums[:, 1]),
        lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="BCa",
        confidence_level=2 * stats.norm.cdf(reach) - 1,
        n_resamples=10_000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert found is not None
    width = expected.high - expected.low
    assert found.low == pytest.approx(expected.low, abs=0.04 * width)
    assert found.high == pytest.approx(expected.high, abs=0.04 * width)


def test_weights_are_multinomial() -> None:
    units = np.eye(7)
    drawn = resample(units, 4000, np.random.default_rng(0))
    assert (drawn.sum(axis=1) == 7).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(7), abs=0.08)
    assert drawn.var(axis=0) == pytest.approx(np.full(7, 6 / 7), abs=0.1)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_clusters_never_matters(order: list[int]) -> None:
    sums = made(12)
    assert ratio_bounds(sums, 0.9, seed=3, draws=500) == ratio_bounds(
        sums[order], 0.9, seed=3, draws=500
    )


def test_the_seed_names_the_draws() -> None:
    sums = made(50)
    assert ratio_bounds(sums, 0.95, seed=1) == ratio_bounds(sums, 0.95, seed=1)
    assert ratio_bounds(sums, 0.95, seed=1) != ratio_bounds(sums, 0.95, seed=2)


@pytest.mark.parametrize("power", [-60, 40])
def test_bounds_scale_with_the_numerator(power: int) -> None:
    plain, scaled = made(30), made(30)
    scaled[:, 0] *= 2.0**power
    small = ratio_bounds(plain, 0.95, seed=1, draws=1000)
    large = ratio_bounds(scaled, 0.95, seed=1, draws=1000)
    assert small is not None
    assert large is not None
    assert large.high == small.high * 2.0**power


def test_resampling_that_says_nothing_gives_no_bounds() -> None:
    no_events = np.stack((np.zeros(50), np.ones(50)), axis=1)
    one_weight = np.stack((np.ones(4), np.array([1.0, 0, 0, 0])), axis=1)
    assert ratio_bounds(no_events, 0.95, seed=1) is None
    assert ratio_bounds(made(1), 0.95, seed=1) is None
    assert ratio_bounds(one_weight, 0.95, seed=1) is None


def test_many_clusters_are_added_up_first_and_barely_change_the_bounds() -> None:
    sums = made(3 * bootstrap.UNITS)
    found = ratio_bounds(sums, 0.95, seed=1, draws=2000)
    residuals = sums[:, 0] - sums[:, 0].sum() / sums[:, 1].sum() * sums[:, 1]
    error = np.sqrt((residuals**2).sum()) / sums[:, 1].sum()
    assert found is not None
    assert found.high - found.low == pytest.approx(2 * 1.645 * error, rel=0.06)


def test_both_bounds_hold_as_often_as_promised() -> None:
    rng = np.random.Generator(np.random.PCG64(8))
    runs, held = 600, np.zeros(2)
    for _ in range(runs):
        lengths = rng.integers(20, 60, size=30).astype(float)
        sums = np.stack((lengths * rng.gamma(4.0, 0.5, size=30), lengths), axis=1)
        found = ratio_bounds(sums, 0.95, seed=int(rng.integers(1 << 30)), draws=1000)
        assert found is not None
        held += [found.low <= 2.0, found.high >= 2.0]
    assert (held / runs >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)).all()


def test_any_smooth_number_of_totals_is_bounded_alike() -> None:
    sums = made(40)
    found = ratio_bounds(sums, 0.95, seed=1, draws=500)
    doubled = smooth_bounds(
        sums, lambda totals: 2.0 * ratios(totals), 0.95, has_spread=lambda units: True, seed=1,
        draws=500,
    )  # fmt: skip
    assert found is not None
    assert doubled is not None
    assert (doubled.low, doubled.high) == (2.0 * found.low, 2.0 * found.high)


def test_a_number_that_never_moves_or_may_not_exist_has_no_bounds() -> None:
    sums = made(40)
    assert smooth_bounds(sums, ratios, 0.95, has_spread=lambda units: False, seed=1) is None
    assert (
        smooth_bounds(
            sums, lambda totals: totals[:, 0] * (np.inf if len(totals) > 40 else 1.0),
            0.95, has_spread=lambda units: True, seed=1, draws=100,
        )
        is None
    )  # fmt: skip
