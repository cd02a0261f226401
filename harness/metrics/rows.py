"""Scored rows, checked and in an order of their own, with what is missing beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import NonFiniteError, PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.metrics.stats.clusters import Layout

    Column = NDArray[np.generic] | list[Any]

TOLERANCE = 1e-6
"""How far past a declared bound rounding may carry a value (a float32 cosine of 1)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The scored rows of one metric, by column, and the clusters of all planned rows."""

    columns: Mapping[str, Column]
    layout: Layout

    def floats(
        self, column: str, bounds: tuple[float | None, float | None] = (None, None)
    ) -> NDArray[np.float64]:
        """Read a numeric column as float64 [n].

        Raises:
            NonFiniteError: If a value is NaN or an infinity.
            PluginError: If a value leaves the declared bounds.
        """
        values = np.asarray(self.columns[column], dtype=np.float64)
        if not np.isfinite(values).all():
            raise NonFiniteError("a score is not finite", where=f"column {column}")
        return within(values, bounds, column)

    def events(self, column: str) -> NDArray[np.float64]:
        """Read a bool column as 0 and 1.

        Raises:
            PluginError: If a value is neither.
        """
        values = self.floats(column)
        if not ((values == 0.0) | (values == 1.0)).all():
            raise PluginError("a proportion needs true or false", where=f"column {column}")
        return values

    def counts(self, column: str) -> list[int]:
        """Read a column of counts as Python integers.

        Raises:
            PluginError: If a value is negative or not whole.
        """
        values = self.floats(column)
        if (values < 0.0).any() or (values != np.rint(values)).any():
            raise PluginError(
                "a count needs whole numbers from 0 up",
                where=f"column {column}",
                fix="declare a Mean for anything else",
            )
        return [int(value) for value in np.asarray(self.columns[column]).tolist()]

    def canonical(self, names: tuple[str, ...]) -> NDArray[np.int64]:
        """Order the rows by cluster, then by what the columns hold: int64 [n].

        The order in which rows were stored then never reaches a function.
        """
        cells = [_sortable(self.columns[name]) for name in names]
        keys = list(zip(self.layout.scored.tolist(), *cells, strict=True))
        return np.asarray(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def within(
    values: NDArray[np.float64], bounds: tuple[float | None, float | None], where: str
) -> NDArray[np.float64]:
    """Hold values to their declared bounds, forgiving rounding only.

    Raises:
        PluginError: If a value is outside by more than TOLERANCE (relative above 1).
    """
    if bounds == (None, None):
        return values
    floor, ceiling = (-np.inf if bounds[0] is None else bounds[0],
                      np.inf if bounds[1] is None else bounds[1])  # fmt: skip
    held = np.clip(values, floor, ceiling)
    if (np.abs(held - values) > TOLERANCE * np.maximum(1.0, np.abs(held))).any():
        raise PluginError(
            f"a value leaves its declared bounds {bounds}",
            where=where,
            fix="correct the bounds that the scorer declares, or the value",
        )
    return held


def take(column: Column, rows: NDArray[np.int64]) -> Column:
    """Pick rows of an array or a list, in the order given."""
    if isinstance(column, np.ndarray):
        return column[rows]
    return [column[row] for row in rows.tolist()]


def _sortable(column: Column) -> list[Any]:
    if isinstance(column, np.ndarray) and column.ndim > 1:
        return [row.tobytes() for row in column]
    plain = column.tolist() if isinstance(column, np.ndarray) else column
    return [cell if isinstance(cell, (str, int, float)) else tuple(cell) for cell in plain]
