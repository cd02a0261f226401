from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from harness.errors import NonFiniteError, PluginError, SpecError
from harness.metrics.contrast import CONTRASTS
from harness.metrics.estimate import METHODS
from harness.metrics.stats.jackknife import jackknife_bounds
from harness.metrics.stats.quantile import quantile_bounds
from harness.metrics.stats.tango import tango_bounds
from harness.protocols import (
    Count,
    Mean,
    OfSet,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)
from tests.metrics.sides import KINDS, compare, largest, median, p_value, side, table


def bools(count: int, of: int) -> NDArray[np.bool_]:
    return np.arange(of) < count


def test_one_row_a_prompt_gets_tangos_interval() -> None:
    ours = side({"bad": [1, 1, 0, 0, 1, 0, 0, 0]}, range(8))
    theirs = side({"bad": [1, 0, 1, 1, 0, 1, 0, 0]}, range(8))
    found = compare(Proportion("bad"), ours, theirs)
    assert (found.low, found.high) == tango_bounds(2, 3, 8, 0.95)
    assert (found.value, found.n, found.missing, found.clusters) == (-0.125, 8, 0, 8)


def test_pairs_are_matched_by_prompt_and_not_by_row() -> None:
    ours = side({"bad": [1, 1, 0, 0]}, [3, 1, 2, 0])
    same = side({"bad": [0, 1, 0, 1]}, [0, 1, 2, 3])
    found = compare(Proportion("bad"), ours, same)
    assert (found.low, found.high) == tango_bounds(0, 0, 4, 0.95)


def test_missing_rows_are_the_worst_pairs_for_each_bound() -> None:
    ours = side({"bad": bools(3, 98)}, range(98), [98, 99])
    theirs = side({"bad": bools(5, 99)}, range(1, 100), [0])
    found = compare(Proportion("bad"), ours, theirs)
    assert (found.n, found.missing) == (97, 3)
    # Ours: prompts 0-2, perhaps 98 and 99. Theirs: prompts 1-5, perhaps 0.
    assert found.high == tango_bounds(3, 3, 100, 0.95)[1]
    assert found.low == tango_bounds(0, 3, 100, 0.95)[0]
    assert found.value == pytest.approx(3 / 98 - 5 / 99)


def test_repeats_of_a_prompt_get_the_t_interval_of_prompt_differences() -> None:
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(40), 5)
    own = rng.beta(2, 2, size=(2, 40))
    sides = [rng.binomial(1, rates[clusters]) for rates in own]
    found = compare(Proportion("bad"), *(side({"bad": bad}, clusters) for bad in sides))
    means = (sides[0] - sides[1]).reshape(40, 5).mean(axis=1)
    expected = stats.ttest_1samp(means, 0).confidence_interval(0.90)
    assert found.value == pytest.approx(means.mean())
    assert found.low is not None
    assert found.high is not None
    assert expected.low - 0.02 < found.low <= expected.low + 1e-9
    assert expected.high - 1e-9 <= found.high < expected.high + 0.02


def test_a_few_differing_prompts_do_not_make_an_interval_narrow() -> None:
    clusters, bad = np.repeat(np.arange(125), 4), np.zeros(500)
    same = side({"bad": bad}, clusters)
    none = compare(Proportion("bad"), same, same)
    assert none.high == pytest.approx(1 - 0.05 ** (1 / 124))
    one = compare(Proportion("bad"), side({"bad": np.eye(1, 500)[0]}, clusters), same)
    assert one.high is not None
    assert one.high >= 1 - 0.05 ** (1 / 125)


def test_a_relative_margin_asks_whether_ours_is_at_most_so_many_times_theirs() -> None:
    prompts = np.arange(400)
    theirs = side({"bad": bools(100, 400)}, prompts)
    better = compare(
        Proportion("bad"), side({"bad": bools(50, 400)}, prompts), theirs, scale=1.1
    )
    assert better.value == pytest.approx(0.125 - 1.1 * 0.25)
    assert better.high is not None
    assert better.high < 0
    worse = compare(
        Proportion("bad"), side({"bad": bools(150, 400)}, prompts), theirs, scale=1.1
    )
    assert worse.low is not None
    assert worse.low > 0


def test_means_get_the_paired_t_interval() -> None:
    a, b = [2.0, 4.0, 4.0, 7.0, 9.0], [1.0, 5.0, 2.0, 7.0, 4.0]
    found = compare(Mean("x"), side({"x": a}, range(5)), side({"x": b}, range(5)))
    expected = stats.ttest_rel(a, b).confidence_interval(0.90)
    assert found.value == pytest.approx(1.4)
    assert found.low == pytest.approx(expected.low)
    assert found.high == pytest.approx(expected.high)


def test_a_missing_mean_widens_to_its_declared_bounds() -> None:
    values = np.linspace(0.4, 0.6, 50)
    whole = side({"x": values}, range(50))
    lost = side({"x": values[:49]}, range(49), [49])
    found = compare(Mean("x", (0, 1)), lost, whole)
    assert found.high is not None
    assert found.high >= (1 - values[49]) / 50
    assert compare(Mean("x", (0, None)), lost, whole).high is None
    assert compare(Mean("x", (0, None)), lost, whole).cause == "unscored"


def test_a_per_prompt_metric_pairs_the_prompts_numbers() -> None:
    clusters = np.repeat(np.arange(4), 2)
    ours = side({"x": [0.1, 0.5, 0.2, 0.7, 0.9, 0.3, 0.4, 0.6]}, clusters)
    theirs = side({"x": [0.2, 0.2, 0.1, 0.4, 0.8, 0.1, 0.5, 0.2]}, clusters)
    found = compare(PerPrompt("x", largest), ours, theirs)
    expected = stats.ttest_rel([0.5, 0.7, 0.9, 0.6], [0.2, 0.4, 0.8, 0.5])
    assert found.value == pytest.approx(0.2)
    assert found.high == pytest.approx(expected.confidence_interval(0.90).high)


def test_a_difference_of_perplexities_gets_the_wider_of_scipys_bca_and_a_jackknife() -> None:
    rng = np.random.default_rng(5)
    tokens = rng.integers(20, 60, size=(2, 120)).astype(float)
    shared = rng.gamma(9.0, 0.3, size=120)
    nll = tokens * (shared + rng.normal(0, 0.2, size=(2, 120)))
    sides = [side({"nll": nll[i], "tokens": tokens[i]}, range(120)) for i in (0, 1)]
    found = compare(Ratio("nll", "tokens", "exp"), sides[0], sides[1], scale=1.05)

    def apart(*parts: Any, axis: int = 0) -> Any:
        a, b, c, d = parts
        first = np.exp(a.sum(axis=axis) / b.sum(axis=axis))
        return first - 1.05 * np.exp(c.sum(axis=axis) / d.sum(axis=axis))

    reach = np.sqrt(120 / 119) * stats.t.ppf(0.95, 119)
    expected = stats.bootstrap(
        (nll[0], tokens[0], nll[1], tokens[1]),
        apart,
        paired=True,
        vectorized=True,
        confidence_level=2 * stats.norm.cdf(reach) - 1,
        n_resamples=10_000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    cells = (nll[0], tokens[0], nll[1], tokens[1])
    left = np.array([apart(*(np.delete(x, i) for x in cells)) for i in range(120)])
    error = np.sqrt(119 / 120 * ((left - left.mean()) ** 2).sum())
    value, away = apart(*cells), stats.t.ppf(0.95, 119) * error
    width = expected.high - expected.low
    low, high = min(expected.low, value - away), max(expected.high, value + away)
    assert found.value == pytest.approx(value)
    assert found.low == pytest.approx(low, abs=0.03 * width)
    assert found.high == pytest.approx(high, abs=0.03 * width)


def test_a_difference_of_sets_leaves_out_prompts_on_both_sides_at_once() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.gamma(2.0, size=(2, 46))
    ranks = np.repeat(np.arange(23), 2)
    found = compare(OfSet(("x",), median), side({"x": a}, ranks), side({"x": b}, ranks))
    order = [np.lexsort((values, ranks)) for values in (a, b)]
    expected = jackknife_bounds(
        float(np.median(a) - np.median(b)),
        lambda rows: float(np.median(a[order[0]][rows]) - np.median(b[order[1]][rows])),
        ranks,
        0.95,
    )
    assert found.low == pytest.approx(expected.low)
    assert found.high == pytest.approx(expected.high)


def test_a_difference_of_quantiles_takes_half_the_error_on_each_side() -> None:
    a, b = np.random.default_rng(7).normal(size=(2, 60))
    found = compare(Quantile("x", 0.9), side({"x": a}, range(60)), side({"x": b}, range(60)))
    first, second = (quantile_bounds(values, 0.9, 60, 0, 0.975) for values in (a, b))
    assert second.low is not None
    assert found.high == (None if first.high is None else first.high - second.low)
    assert found.value == pytest.approx(np.quantile(a, 0.9) - np.quantile(b, 0.9))


def test_a_difference_of_counts_is_exact_until_a_row_is_missing() -> None:
    ours, theirs = side({"k": [3, 0]}, range(2)), side({"k": [1, 1]}, range(2))
    found = compare(Count("k"), ours, theirs)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    lost = compare(Count("k"), side({"k": [3]}, [0], [1]), theirs)
    assert (lost.low, lost.high, lost.cause) == (1.0, None, "unscored")
    other = compare(Count("k"), ours, side({"k": [1]}, [0], [1]), scale=2.0)
    assert (other.value, other.low, other.high) == (1.0, None, 1.0)


def test_sides_must_plan_the_same_prompts_as_often() -> None:
    ours = side({"bad": [0, 0]}, [1, 2])
    for clusters, missing in (([1, 3], []), ([1, 2], [2]), ([1], []), ([1, 1], [2])):
        theirs = side({"bad": np.zeros(len(clusters))}, clusters, missing)
        with pytest.raises(SpecError, match="different prompts"):
            compare(Proportion("bad"), ours, theirs)
        with pytest.raises(SpecError, match="different prompts"):
            p_value(Proportion("bad"), ours, theirs)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_a_scale_is_a_finite_number_above_zero(scale: float) -> None:
    ours = side({"bad": [0, 0]}, [1, 2])
    with pytest.raises(SpecError):
        compare(Proportion("bad"), ours, ours, scale=scale)


def test_scores_that_are_not_what_was_declared_are_an_error() -> None:
    good, wrong = side({"x": [0.5, 0.5]}, range(2)), side({"x": [0.5, 1.5]}, range(2))
    for kind in (Mean("x", (0, 1)), Proportion("x"), Count("x")):
        with pytest.raises(PluginError):
            compare(kind, good, wrong)
    with pytest.raises(NonFiniteError):
        compare(OfSet(("x",), median), good, side({"x": np.array([0.5, np.nan])}, range(2)))


@pytest.mark.parametrize("name", KINDS)
def test_without_pairs_there_is_no_number(name: str) -> None:
    empty = table([])
    assert compare(KINDS[name], empty, empty).cause == "insufficient_n"
    cells = [(0, 1), (1, 9)]
    found = compare(KINDS[name], table(cells, {0}), table(cells, {1}))
    assert (found.value, found.n, found.missing, found.cause) == (None, 0, 2, "unscored")
    assert p_value(KINDS[name], table(cells, {0}), table(cells, {1})) is None


def test_every_kind_names_the_interval_of_its_difference() -> None:
    assert set(CONTRASTS) == set(METHODS)


@pytest.mark.parametrize("name", KINDS)
def test_a_difference_from_oneself_is_nothing(name: str) -> None:
    rng = np.random.default_rng(8)
    own = table([(int(rng.integers(0, 30)), int(rng.integers(0, 11))) for _ in range(90)])
    found = compare(KINDS[name], own, own, unit="share" if name == "of set" else "x")
    assert found.value == 0.0
    assert found.low is None or found.low <= 0.0
    assert found.high is None or found.high >= 0.0
    unbounded = {"half-bounded mean", "unbounded mean", "ratio", "exp of ratio"}
    assert (found.high is None) == (name in unbounded)
    assert found.cause == ("no_spread" if name in unbounded else "")
    assert p_value(KINDS[name], own, own) == (None if name == "count" else 1.0)


def test_equal_shares_of_thirty_prompts_may_yet_differ() -> None:
    zeros = side({"z": np.zeros(30), "one": np.ones(30)}, range(30))
    found = compare(Ratio("z", "one"), zeros, zeros, unit="share")
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 29))
    assert found.low == pytest.approx(-found.high if found.high else None)


@pytest.mark.parametrize("name", ["ratio", "exp of ratio", "of set"])
def test_a_missing_row_leaves_what_is_resampled_without_bounds(name: str) -> None:
    cells = [(i, i * 7 % 11) for i in range(30)]
    for lost in ((table(cells, {4}), table(cells)), (table(cells), table(cells, {4}))):
        found = compare(KINDS[name], *lost)
        assert found.value is not None
        assert (found.low, found.high, found.cause) == (None, None, "unscored")
