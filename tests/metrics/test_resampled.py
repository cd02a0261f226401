"""A quick way to the jackknife changes no number; a bias that is known is taken out exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.errors import NonFiniteError, PluginError
from harness.metrics.contrast import contrast
from harness.metrics.estimate import Estimate, estimate
from harness.metrics.paired import Side
from harness.protocols import MetricDef, OfSet

NOTHING = np.array([], dtype=np.int64)
X = np.random.default_rng(3).gamma(2.0, size=14)


def assess(kind: OfSet, columns: Mapping[str, Any], ranks: Any, missing: Any = ()) -> Estimate:
    return estimate(
        MetricDef(kind=kind, unit="x", better="lower"),
        columns,
        np.asarray(ranks, dtype=np.int64),
        missing=np.array(missing, dtype=np.int64),
        confidence=0.95,
    )


def variance(columns: Mapping[str, Any]) -> float | None:
    return float(np.var(columns["x"])) if len(columns["x"]) > 1 else None


def variances(
    columns: Mapping[str, Any], group: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """By sums of each group, in one pass."""
    x = columns["x"]
    sums = [
        [(x[group == g] ** power).sum() for g in range(int(group.max()) + 1)]
        for power in (0, 1, 2)
    ]
    n, first, second = (np.sum(part) - np.array(part) for part in sums)
    return None if n.min() < 2 else np.asarray(second / n - (first / n) ** 2)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=60))
def test_a_quick_way_changes_no_number_and_sees_no_order(rows: list[tuple[int, int]]) -> None:
    quick = OfSet(("x",), variance, without=variances)
    columns = {"x": np.array([row[1] for row in rows], dtype=float)}
    ranks = [row[0] for row in rows]
    plain, found = (
        assess(OfSet(("x",), variance), columns, ranks),
        assess(quick, columns, ranks),
    )
    assert found.cause == plain.cause
    for one, other in ((found.value, plain.value), (found.low, plain.low)):
        assert (one is None) == (other is None)
        assert one is None or one == pytest.approx(other, rel=1e-9, abs=1e-9)
    turned = assess(quick, {"x": columns["x"][::-1]}, ranks[::-1])
    assert (turned.low, turned.high) == (found.low, found.high)


def test_the_quick_way_is_taken_once_and_the_function_for_the_whole_alone() -> None:
    sizes: list[int] = []

    def seen(columns: Mapping[str, Any]) -> float | None:
        sizes.append(len(columns["x"]))
        return variance(columns)

    assess(OfSet(("x",), seen, without=variances), {"x": X}, range(14))
    assert sizes == [14]


def numbers(*found: float) -> Callable[..., NDArray[np.float64]]:
    return lambda columns, group: np.array(found)


def test_a_quick_way_that_misses_a_group_or_a_number_is_an_error() -> None:
    with pytest.raises(PluginError, match="14 groups"):
        assess(OfSet(("x",), variance, without=numbers(1.0, 2.0)), {"x": X}, range(14))
    broken = numbers(*[1.0] * 13, np.nan)
    with pytest.raises(NonFiniteError):
        assess(OfSet(("x",), variance, without=broken), {"x": X}, range(14))


def test_a_variance_over_n_without_its_bias_is_that_over_n_less_one() -> None:
    kept = assess(OfSet(("x",), variance), {"x": X}, range(14))
    found = assess(OfSet(("x",), variance, bias="removed"), {"x": X}, range(14))
    assert found.value == pytest.approx(np.var(X, ddof=1), rel=1e-12)
    assert kept.value == pytest.approx(np.var(X), rel=1e-12)
    assert None not in (found.low, found.high, kept.low, kept.high)
    # The spread of the pseudo-values is that of the numbers: both bounds move alike.
    moved = float(found.value or 0.0) - float(kept.value or 0.0)
    assert found.low == pytest.approx(float(kept.low or 0.0) + moved)
    assert found.high == pytest.approx(float(kept.high or 0.0) + moved)


def test_bias_is_removed_of_what_is_scored_where_rows_are_missing() -> None:
    kind = OfSet(("x",), variance, without=variances, bias="removed")
    # Prompt 5 has no score at all.
    ranks = [rank + (rank >= 5) for rank in range(14)]
    found = assess(kind, {"x": X}, ranks, [5])
    assert found.value == pytest.approx(np.var(X, ddof=1), rel=1e-12)
    assert (found.low, found.high, found.cause) == (None, None, "unscored")


def test_without_two_prompts_no_bias_can_be_seen() -> None:
    kind = OfSet(("x",), variance, bias="removed")
    found = assess(kind, {"x": X}, [0] * 14)
    assert (found.value, found.cause) == (None, "undefined")
    kept = assess(OfSet(("x",), variance), {"x": X}, [0] * 14)
    assert kept.value is not None
    assert (kept.low, kept.cause) == (None, "insufficient_n")


def test_a_difference_is_of_what_is_left_without_the_bias() -> None:
    definition = MetricDef(
        kind=OfSet(("x",), variance, bias="removed"), unit="x", better="lower"
    )
    y = X[::-1] ** 1.5
    found = contrast(
        definition,
        Side({"x": X}, np.arange(14), NOTHING),
        Side({"x": y}, np.arange(14), NOTHING),
        scale=1.0,
        confidence=0.95,
    )
    assert found.value == pytest.approx(np.var(X, ddof=1) - np.var(y, ddof=1))
