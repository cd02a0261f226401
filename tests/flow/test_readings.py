"""Readings: what does not fit becomes a failure with its reason, never a crash."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine import schemas
from harness.flow.readings import checked
from harness.protocols import ColumnType
from harness.records import Failure

KINDS: tuple[ColumnType, ...] = ("bool", "int", "float", "text", "ints", "floats")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bool", 1), ("bool", None), ("bool", "true"),
        ("int", 1.5), ("int", True), ("int", 2**63), ("int", math.inf), ("int", "1"),
        ("float", math.nan), ("float", math.inf), ("float", -math.inf), ("float", None),
        ("float", True), ("float", "0.5"), ("float", 10**400), ("float", np.float32("nan")),
        ("float", np.array([1.0])), ("float", np.ones((2, 2))), ("float", 1j),
        ("text", None), ("text", b"x"), ("text", 1),
        ("ints", [1, 2.5]), ("ints", "12"), ("ints", b"12"), ("ints", 3), ("ints", [True]),
        ("ints", [[1]]), ("ints", [2**63]), ("ints", [[1], [2, 3]]), ("ints", None),
        ("ints", [None]), ("ints", np.array([math.inf])), ("ints", {1: 2}),
        ("floats", [1.0, math.nan]), ("floats", ["1"]), ("floats", np.array([math.inf])),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused(kind: str, value: object) -> None:
    found = checked({"c": value}, {"c": kind})
    assert isinstance(found, Failure)
    assert "column c holds no" in found.reason


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("bool", False, False), ("int", 3, 3), ("int", 3.0, 3), ("int", np.int8(3), 3),
        ("int", 2**63 - 1, 2**63 - 1), ("float", 1, 1.0), ("float", np.float32(0.5), 0.5),
        ("float", Fraction(1, 2), 0.5), ("text", "", ""), ("text", "a\ud800", "a?"),
        ("ints", [], []), ("ints", (1, 2), [1, 2]), ("ints", np.arange(2), [0, 1]),
        ("floats", [1, 2.5], [1.0, 2.5]), ("floats", np.ones(1, dtype=np.float32), [1.0]),
    ],
)  # fmt: skip
def test_a_value_that_fits_is_stored_plainly(kind: str, value: object, stored: object) -> None:
    found = checked({"c": value}, {"c": kind})
    assert not isinstance(found, Failure)
    cell: Any = found["c"]
    assert (cell.tolist() if isinstance(cell, np.ndarray) else cell) == stored


@pytest.mark.parametrize("result", [None, 3, "text", [1], object()])
def test_what_is_no_reading_is_refused_by_its_type(result: object) -> None:
    found = checked(result, {"c": "int"})
    assert isinstance(found, Failure)
    assert type(result).__name__ in found.reason


@pytest.mark.parametrize("result", [{}, {"c": 1, "d": 2}, {"d": 1}, {1: 1}])
def test_columns_that_were_not_declared_are_named(result: dict[Any, Any]) -> None:
    found = checked(result, {"c": "int"})
    assert isinstance(found, Failure)
    assert "columns differ" in found.reason


ODD = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.lists(st.integers() | st.floats() | st.none(), max_size=3)
    | st.complex_numbers() | st.dictionaries(st.text(max_size=1), st.integers(), max_size=1)
)  # fmt: skip


@settings(deadline=None)
@given(ODD, st.sampled_from(KINDS))
def test_whatever_is_let_through_can_be_written(value: object, kind: ColumnType) -> None:
    import pyarrow as pa

    found = checked({"c": value}, {"c": kind})
    if not isinstance(found, Failure):
        schema = schemas.scores({"c": kind}).field("value_c")
        assert len(pa.array([found["c"]], schema.type)) == 1
