import subprocess
import sys

import numpy as np
import pytest

from harness.errors import NonFiniteError, PluginError
from harness.metrics.rows import Rows, take, within
from harness.metrics.stats.clusters import lay_out

NOTHING = np.array([], dtype=np.int64)


def rows(clusters: list[int], **columns: object) -> Rows:
    return Rows(columns, lay_out(np.array(clusters), NOTHING))  # type: ignore[arg-type]


def test_rows_are_ordered_by_cluster_then_by_what_they_hold() -> None:
    found = rows([1, 0, 1], text=["b", "z", "a"], ids=[[1], [2], [3]])
    assert found.canonical(("text", "ids")).tolist() == [1, 2, 0]
    vectors = rows([0, 0], v=np.array([[2.0, 0.0], [1.0, 0.0]]), ids=[np.ones(2), np.zeros(2)])
    assert sorted(vectors.canonical(("v", "ids")).tolist()) == [0, 1]
    assert vectors.canonical(("ids",)).tolist() == [1, 0]


def test_rounding_past_a_bound_is_forgiven_and_more_is_not() -> None:
    assert within(np.array([1.0 + 1e-7]), (0.0, 1.0), "x").tolist() == [1.0]
    with pytest.raises(PluginError, match="leaves its declared bounds"):
        within(np.array([1.004]), (0.0, 1.0), "x")
    with pytest.raises(PluginError):
        within(np.array([-1.0]), (0.0, None), "x")


def test_columns_are_what_their_metric_needs() -> None:
    found = rows([0, 1], half=np.array([0.5, 1.0]), nan=np.array([0.0, np.nan]))
    with pytest.raises(PluginError):
        found.events("half")
    with pytest.raises(PluginError):
        found.counts("half")
    with pytest.raises(NonFiniteError):
        found.floats("nan")


def test_large_counts_stay_exact() -> None:
    assert rows([0], k=np.array([2**53 + 1])).counts("k") == [2**53 + 1]


def test_rows_are_taken_from_arrays_and_lists_alike() -> None:
    picked = np.array([2, 0])
    assert np.asarray(take(np.array([5, 6, 7]), picked)).tolist() == [7, 5]
    assert take(["a", "b", "c"], picked) == ["c", "a"]


def test_importing_the_estimators_loads_no_scipy() -> None:
    code = "import sys, harness.metrics.estimate; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
