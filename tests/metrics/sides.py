"""Two sides to compare, of every kind of metric."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.metrics.contrast import Side, contrast, contrast_p_value
from harness.metrics.estimate import Estimate
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
    "exp of ratio": Ratio("x", "weight", "exp"),
    "quantile": Quantile("x", 0.5),
    "count": Count("k"),
    "per prompt": PerPrompt("x", largest, (0.0, 1.0)),
    "of set": OfSet(("x",), median),
}


def side(columns: Mapping[str, Any], clusters: Any, missing: Any = NOTHING) -> Side:
    return Side(
        columns, np.asarray(clusters, dtype=np.int64), np.asarray(missing, dtype=np.int64)
    )


def compare(
    kind: Kind, ours: Side, theirs: Side, *, scale: float = 1.0, unit: str = "x"
) -> Estimate:
    definition = MetricDef(kind=kind, unit=unit, better="lower")
    return contrast(definition, ours, theirs, scale=scale, confidence=0.95)


def p_value(kind: Kind, ours: Side, theirs: Side, *, n_min: int = 1) -> float | None:
    definition = MetricDef(kind=kind, unit="x", better="lower", n_min=n_min)
    return contrast_p_value(definition, ours, theirs)


def table(cells: list[tuple[int, int]], lost: set[int] | None = None) -> Side:
    """Rows of (cluster, tenths) as columns of every type; the rows in `lost` are missing."""
    gone = lost or set()
    seen = [cell for i, cell in enumerate(cells) if i not in gone]
    tenths = np.array([cell[1] for cell in seen], dtype=np.int64)
    columns = {
        "bad": tenths > 6,
        "x": tenths / 10.0,
        "one": np.ones(tenths.size),
        "weight": 1.0 + tenths % 3,
        "k": tenths,
    }
    missing = [cell[0] for i, cell in enumerate(cells) if i in gone]
    return side(columns, [cell[0] for cell in seen], missing)


TENTHS = st.integers(0, 10)
ROWS = st.lists(st.tuples(st.integers(0, 5), TENTHS, TENTHS), min_size=2, max_size=20)
SINGLE = st.lists(st.tuples(TENTHS, TENTHS), min_size=2, max_size=20).map(
    lambda pairs: [(i, a, b) for i, (a, b) in enumerate(pairs)]
)
SCALES = st.sampled_from([1.0, 1.1, 0.8, 2.0])


def halves(rows: list[tuple[int, int, int]]) -> tuple[list[tuple[int, int]], ...]:
    return [(c, a) for c, a, _ in rows], [(c, b) for c, _, b in rows]
