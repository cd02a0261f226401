from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.protocols import (
    Mean,
    OfSet,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)
from tests.metrics.sides import KINDS, p_value, side, table


def test_few_prompts_are_swapped_in_every_way() -> None:
    ours, theirs = (
        side({"x": [1.0, 2.0, 4.0, 3.0]}, range(4)),
        side({"x": np.zeros(4)}, range(4)),
    )
    for kind in (Mean("x"), PerPrompt("x", lambda values: float(values.max()))):
        assert p_value(kind, ours, theirs) == 2 / 16
    bad = side({"bad": np.ones(4)}, range(4))
    assert p_value(Proportion("bad"), bad, side({"bad": np.zeros(4)}, range(4))) == 2 / 16


def test_prompts_without_a_score_are_left_out_of_the_test() -> None:
    ours = side({"x": [1.0, 2.0, 4.0, 9.0]}, range(4), [4])
    theirs = side({"x": [0.0, 0.0, 0.0, 7.0]}, [0, 1, 2, 4], [3])
    assert p_value(Mean("x"), ours, theirs) == 2 / 8
    assert p_value(Mean("x"), ours, theirs, n_min=4) is None


def test_a_swap_of_perplexities_is_scipys_permutation_test() -> None:
    rng = np.random.default_rng(9)
    tokens = rng.integers(5, 30, size=(2, 9)).astype(float)
    nll = tokens * rng.gamma(9.0, 0.3, size=(2, 9)) * np.array([[1.2], [1.0]])
    sides = [side({"nll": nll[i], "tokens": tokens[i]}, range(9)) for i in (0, 1)]
    far, observed = 0, 0.0
    for code in range(2**9):
        swap = (code >> np.arange(9) & 1).astype(bool)
        totals = [np.where(swap, part[::-1], part).sum(axis=1) for part in (nll, tokens)]
        apart = abs(np.subtract(*np.exp(totals[0] / totals[1])))
        observed = observed if code else apart
        far += apart >= observed - 1e-9
    assert p_value(Ratio("nll", "tokens", "exp"), *sides) == pytest.approx(far / 2**9)


def test_a_set_gets_a_t_test_on_the_jackknifes_error() -> None:
    a, b = np.random.default_rng(10).normal(size=(2, 15))
    sides = [side({"x": values}, range(15)) for values in (a, b)]
    mean = OfSet(("x",), lambda columns: float(np.asarray(columns["x"], float).mean()))
    assert p_value(mean, *sides) == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_a_shifted_quantile_is_surprising_and_a_shuffled_one_is_not() -> None:
    rng = np.random.default_rng(11)
    a, b = rng.normal(size=(2, 80))
    same = p_value(Quantile("x", 0.5), side({"x": a}, range(80)), side({"x": b}, range(80)))
    far = p_value(Quantile("x", 0.5), side({"x": a + 2}, range(80)), side({"x": b}, range(80)))
    assert same is not None
    assert same > 0.05
    assert far == pytest.approx(1 / 2000)


@pytest.mark.parametrize("name", ["proportion", "mean", "ratio", "quantile", "per prompt"])
def test_p_values_are_small_no_more_often_than_promised(name: str) -> None:
    rng = np.random.Generator(np.random.PCG64(12))
    runs, small = 200, 0
    for _ in range(runs):
        own = rng.integers(0, 8, size=12)
        cells = [
            [(c, int(own[c] + rng.integers(0, 4))) for c in range(12) for _ in range(2)]
            for _ in range(2)
        ]
        found = p_value(KINDS[name], table(cells[0]), table(cells[1]))
        assert found is not None
        small += found <= 0.1
    assert small / runs <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / runs)


def test_a_dataset_that_sets_are_held_against_is_given_whole() -> None:
    """Fewer real rows than outputs, and every one of them is seen."""
    seen: list[int] = []

    def far(columns: Any) -> float:
        seen.append(len(columns["real"]))
        return float(np.mean(columns["x"]) - np.mean(columns["real"]))

    kind = OfSet(("x",), far, references=("real",))
    random = np.random.default_rng(0)
    sides = [side({"x": random.normal(size=40), "real": np.zeros(3)}, range(40)) for _ in "ab"]
    found = p_value(kind, *sides)
    assert found is not None
    assert 0.0 < found <= 1.0
    assert set(seen) == {3}
