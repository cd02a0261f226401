from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.errors import NonFiniteError, PluginError, SpecError
from harness.metrics.estimate import METHODS, Estimate, estimate
from harness.metrics.stats.betting import betting_lower, betting_upper
from harness.metrics.stats.mean import ClusterSums, t_bounds
from harness.protocols import (
    Count,
    Kind,
    Mean,
    MetricDef,
    OfSet,
    PerPrompt,
    Proportion,
    Quantile,
    Ratio,
)

NOTHING = np.array([], dtype=np.int64)


def median(columns: Mapping[str, Any]) -> float | None:
    return float(np.median(columns["x"])) if len(columns["x"]) else None


def largest(values: NDArray[np.float64]) -> float | None:
    return float(values.max()) if values.size > 1 else None


KINDS: dict[str, Kind] = {
    "proportion": Proportion("bad"),
    "mean": Mean("x", (0.0, 1.0)),
    "half-bounded mean": Mean("x", (0.0, None)),
    "unbounded mean": Mean("x"),
    "ratio": Ratio("x", "one"),
    "quantile": Quantile("x", 0.5),
    "count": Count("k"),
    "per prompt": PerPrompt("x", largest, (0.0, 1.0)),
    "of set": OfSet(("x",), median),
}


def assess(
    kind: Kind,
    columns: Mapping[str, Any],
    clusters: Any,
    missing: Any = NOTHING,
    *,
    unit: str = "x",
    n_min: int = 1,
) -> Estimate:
    definition = MetricDef(kind=kind, unit=unit, better="lower", n_min=n_min)
    return estimate(
        definition,
        columns,
        np.asarray(clusters, dtype=np.int64),
        missing=np.asarray(missing, dtype=np.int64),
        confidence=0.95,
    )


def table(rows: list[tuple[int, int]]) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Rows of (cluster, tenths) as columns of every type, and their clusters."""
    tenths = np.array([row[1] for row in rows], dtype=np.int64)
    columns = {
        "bad": tenths > 6,
        "x": tenths / 10.0,
        "one": np.ones(len(rows)),
        "k": tenths,
    }
    return columns, np.array([row[0] for row in rows], dtype=np.int64)


ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10)), min_size=2, max_size=24)


def test_independent_outputs_get_the_exact_interval() -> None:
    bad = np.arange(1000) < 84
    found = assess(Proportion("bad"), {"bad": bad}, np.arange(1000))
    assert (found.value, found.n, found.clusters, found.design_effect) == (0.084, 1000, 1000, 1)
    assert found.high is not None
    assert found.high <= 0.10
    worse = assess(Proportion("bad"), {"bad": np.arange(1000) < 85}, np.arange(1000))
    assert worse.high is not None
    assert worse.high > 0.10


def test_missing_scores_are_bad_below_and_good_above() -> None:
    good = np.arange(98) < 90
    found = assess(Proportion("good"), {"good": good}, np.arange(98), [98, 99])
    low = assess(Proportion("good"), {"good": np.arange(100) < 90}, np.arange(100)).low
    high = assess(Proportion("good"), {"good": np.arange(100) < 92}, np.arange(100)).high
    assert (found.value, found.n, found.missing) == (90 / 98, 98, 2)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_no_findings_in_repeats_count_prompts() -> None:
    found = assess(Proportion("bad"), {"bad": np.zeros(400)}, np.repeat(np.arange(100), 4))
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 100))
    assert found.design_effect == 4.0


def test_zeros_over_five_prompts_are_not_certainty() -> None:
    zeros = {"z": np.zeros(5), "one": np.ones(5)}
    for kind in (Proportion("z"), Mean("z", (0, 1)), PerPrompt("z", np.max, (0, 1))):
        assert assess(kind, zeros, range(5)).high == pytest.approx(0.4507, abs=1e-4)
    share = assess(Ratio("z", "one"), zeros, range(5), unit="share")
    assert share.high == pytest.approx(0.4507, abs=1e-4)
    unknown = assess(Ratio("z", "one"), zeros, range(5))
    assert (unknown.value, unknown.high, unknown.cause) == (0.0, None, "no_spread")


def test_a_bounded_mean_bets_on_prompts_of_one_size() -> None:
    x = np.array([0.0, 0.2, 0.1, 0.1, 0.9, 0.5])
    means = np.array([0.1, 0.1, 0.7])
    for kind in (Mean("x", (0, 1)), PerPrompt("x", np.mean, (0, 1))):
        found = assess(kind, {"x": x}, [0, 0, 1, 1, 2, 2])
        assert found.value == pytest.approx(0.3)
        assert found.high == pytest.approx(betting_upper(means, 0.95))
        assert found.low == pytest.approx(betting_lower(means, 0.95))
    uneven = assess(Mean("x", (0, 1)), {"x": x}, [0, 0, 0, 1, 2, 2])
    sums = np.array([0.3, 0.1, 1.4])
    planned = ClusterSums(sizes=np.array([3.0, 1, 2]), lowest=sums, highest=sums)
    assert uneven.high == pytest.approx(t_bounds(planned, (0, 1), 0.95).high)


def test_perplexity_is_weighted_by_tokens() -> None:
    columns = {"nll": np.array([10.0, 1.0, 5.0]), "tokens": np.array([10, 1, 20])}
    found = assess(Ratio("nll", "tokens", "exp"), columns, range(3))
    assert found.value == pytest.approx(np.exp(16 / 31))
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_a_ratio_without_denominator_is_undefined() -> None:
    columns = {"a": np.ones(3), "b": np.zeros(3)}
    assert assess(Ratio("a", "b"), columns, range(3)).cause == "undefined"
    huge = {"a": np.full(3, 1e5), "b": np.ones(3)}
    assert assess(Ratio("a", "b", "exp"), huge, range(3)).cause == "undefined"


def test_a_count_is_a_census() -> None:
    found = assess(Count("k"), {"k": np.array([0, 2, 1])}, range(3))
    assert (found.value, found.low, found.high) == (3.0, 3.0, 3.0)
    fewer = assess(Count("k"), {"k": np.array([0, 2, 1])}, range(3), [3])
    assert (fewer.low, fewer.high, fewer.cause) == (3.0, None, "unscored")


def test_prompts_with_a_missing_output_widen_a_per_prompt_mean() -> None:
    x = {"x": np.array([0.2, 0.4, 0.2, 0.4, 0.1, 0.3, 0.2])}
    clusters = [0, 0, 1, 1, 2, 2, 3]
    found = assess(PerPrompt("x", largest, (0, 1)), x, clusters, [3])
    assert found.value == pytest.approx(1.1 / 3)
    assert (found.n, found.missing, found.clusters) == (7, 1, 4)
    alone = assess(PerPrompt("x", largest, (0, 1)), x, range(7))
    assert (alone.value, alone.cause) == (None, "insufficient_n")


def test_a_set_function_sees_one_order_and_lists_of_texts() -> None:
    seen: list[list[str]] = []

    def joined(columns: Mapping[str, Any]) -> float:
        seen.append(columns["text"])
        return float(len("".join(columns["text"])))

    kind = OfSet(("text", "ids"), joined)
    rows = [("b", [2]), ("a", [1]), ("c", [3])]
    for order in ([0, 1, 2], [2, 1, 0]):
        columns = {"text": [rows[i][0] for i in order], "ids": [rows[i][1] for i in order]}
        assess(kind, columns, np.array([7, 7, 1])[order])
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]
    assert seen[0] == ["c", "a", "b"]


@pytest.mark.parametrize("name", KINDS)
def test_without_rows_there_is_no_number(name: str) -> None:
    columns, clusters = table([])
    empty = assess(KINDS[name], columns, clusters)
    assert (empty.value, empty.low, empty.high, empty.n) == (None, None, None, 0)
    assert empty.cause == "insufficient_n"
    unscored = assess(KINDS[name], columns, clusters, [1, 2])
    assert (unscored.value, unscored.cause, unscored.clusters) == (None, "unscored", 2)


@pytest.mark.parametrize("name", KINDS)
def test_below_the_smallest_n_there_is_no_number(name: str) -> None:
    columns, clusters = table([(0, 1), (1, 2), (2, 9), (3, 4)])
    found = assess(KINDS[name], columns, clusters, n_min=5)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.cause == "insufficient_n"


@pytest.mark.parametrize("name", ["mean", "ratio", "quantile", "per prompt", "of set", "count"])
def test_a_score_that_is_not_finite_is_an_error(name: str) -> None:
    columns, clusters = table([(0, 1), (0, 2), (1, 9), (1, 4)])
    for bad in (np.nan, np.inf):
        broken = columns | {"x": np.array([0.1, bad, 0.2, 0.3]), "k": np.array([1, bad, 0, 0])}
        with pytest.raises(NonFiniteError):
            assess(KINDS[name], broken, clusters)


def test_scores_of_another_kind_than_declared_are_an_error() -> None:
    x = {"x": np.array([0.5, 1.5]), "n": np.array([-1, 1])}
    for kind in (Mean("x", (0, 1)), Proportion("x"), Count("x"), Count("n"), Ratio("x", "n")):
        with pytest.raises(PluginError):
            assess(kind, x, range(2))
    with pytest.raises(SpecError):
        estimate(
            MetricDef(kind=Count("n"), unit="x", better="lower"),
            x,
            np.arange(2),
            missing=NOTHING,
            confidence=1.0,
        )


def test_every_kind_names_its_interval() -> None:
    assert {type(kind) for kind in KINDS.values()} == set(METHODS)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from(sorted(KINDS)), st.randoms(use_true_random=False))
def test_order_never_matters(rows: list[tuple[int, int]], name: str, chance: Any) -> None:
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    assert assess(KINDS[name], *table(rows)) == assess(KINDS[name], *table(shuffled))


@settings(max_examples=400, deadline=None)
@given(ROWS, st.sampled_from(sorted(KINDS)), st.data())
def test_missing_only_widens(
    rows: list[tuple[int, int]], name: str, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(rows)))
    second = data.draw(st.integers(first, len(rows)))
    found = []
    for lost in (first, second):
        columns, clusters = table(rows[lost:])
        found.append(assess(KINDS[name], columns, clusters, [row[0] for row in rows[:lost]]))
    before, after = found
    if after.low is not None:
        assert before.low is not None
        assert after.low <= before.low + 1e-9
    if after.high is not None:
        assert before.high is not None
        assert after.high >= before.high - 1e-9


@settings(max_examples=200, deadline=None)
@given(ROWS, st.sampled_from(["proportion", "quantile", "count"]), st.data())
def test_a_worse_output_never_lowers_the_upper_bound(
    rows: list[tuple[int, int]], name: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    cluster, tenths = rows[place]
    worse = [*rows[:place], (cluster, data.draw(st.integers(tenths, 10))), *rows[place + 1 :]]
    before, after = assess(KINDS[name], *table(rows)), assess(KINDS[name], *table(worse))
    if after.high is not None:
        assert before.high is not None
        assert after.high >= before.high - 1e-12


@settings(max_examples=100, deadline=None)
@given(ROWS, st.sampled_from(sorted(KINDS)))
def test_the_value_lies_between_its_bounds(rows: list[tuple[int, int]], name: str) -> None:
    found = assess(KINDS[name], *table(rows))
    if found.value is not None:
        assert found.low is None or found.low <= found.value
        assert found.high is None or found.high >= found.value
