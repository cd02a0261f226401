from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.estimate import estimate
from harness.protocols import (
    MetricDef,
)
from tests.metrics.sides import KINDS, ROWS, SCALES, SINGLE, compare, halves, table


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from(sorted(KINDS)), SCALES, st.randoms(use_true_random=False))
def test_order_never_matters(
    rows: list[tuple[int, int, int]], name: str, scale: float, chance: Any
) -> None:
    found = []
    for _ in range(2):
        cells = halves(rows)
        for cell in cells:
            chance.shuffle(cell)
        found.append(compare(KINDS[name], table(cells[0]), table(cells[1]), scale=scale))
    assert found[0] == found[1]


@settings(max_examples=300, deadline=None)
@given(ROWS | SINGLE, st.sampled_from(sorted(KINDS)), st.data())
def test_swapping_the_sides_mirrors_the_interval(
    rows: list[tuple[int, int, int]], name: str, data: st.DataObject
) -> None:
    places = st.sets(st.integers(0, len(rows) - 1), max_size=3)
    cells = halves(rows)
    ours, theirs = (table(cell, data.draw(places)) for cell in cells)
    found, mirrored = compare(KINDS[name], ours, theirs), compare(KINDS[name], theirs, ours)
    for one, other in (
        (found.value, mirrored.value),
        (found.low, mirrored.high),
        (found.high, mirrored.low),
    ):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one == pytest.approx(-other, abs=1e-9)


@settings(max_examples=600, deadline=None)
@given(ROWS | SINGLE, st.sampled_from(sorted(KINDS)), SCALES, st.data())
def test_missing_only_widens(
    rows: list[tuple[int, int, int]], name: str, scale: float, data: st.DataObject
) -> None:
    places = st.sets(st.integers(0, len(rows) - 1), max_size=4)
    cells = halves(rows)
    first = [data.draw(places), data.draw(places)]
    more = [lost | data.draw(places) for lost in first]
    before, after = (
        compare(KINDS[name], table(cells[0], lost[0]), table(cells[1], lost[1]), scale=scale)
        for lost in (first, more)
    )
    if after.low is not None:
        assert before.low is not None
        assert after.low <= before.low + 1e-9
    if after.high is not None:
        assert before.high is not None
        assert after.high >= before.high - 1e-9


@settings(max_examples=200, deadline=None)
@given(SINGLE, st.sampled_from(["proportion", "count"]), st.data())
def test_a_worse_output_of_ours_never_lowers_the_upper_bound_of_single_rows(
    rows: list[tuple[int, int, int]], name: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    cluster, ours, theirs = rows[place]
    worse = [
        *rows[:place],
        (cluster, data.draw(st.integers(ours, 10)), theirs),
        *rows[place + 1 :],
    ]
    bounds = []
    for cells in (halves(rows), halves(worse)):
        found = compare(KINDS[name], table(cells[0]), table(cells[1]))
        assert found.high is not None
        bounds.append(found.high)
    assert bounds[1] >= bounds[0] - 1e-12


@settings(max_examples=100, deadline=None)
@given(ROWS | SINGLE, st.sampled_from(sorted(KINDS)), SCALES)
def test_the_value_lies_between_its_bounds_and_is_the_difference_of_estimates(
    rows: list[tuple[int, int, int]], name: str, scale: float
) -> None:
    cells = halves(rows)
    found = compare(KINDS[name], table(cells[0]), table(cells[1]), scale=scale)
    if found.value is not None:
        assert found.low is None or found.low <= found.value
        assert found.high is None or found.high >= found.value
        definition = MetricDef(kind=KINDS[name], unit="x", better="lower")
        alone = []
        for cell in cells:
            own = table(cell)
            estimated = estimate(
                definition, own.columns, own.clusters, missing=own.missing, confidence=0.95
            )
            assert estimated.value is not None
            alone.append(estimated.value)
        assert found.value == pytest.approx(alone[0] - scale * alone[1], abs=1e-9)
