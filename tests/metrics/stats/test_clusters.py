from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.stats.clusters import lay_out, total


def test_clusters_are_renumbered_with_the_missing_ones_among_them() -> None:
    layout = lay_out(np.array([70, -3, 70]), np.array([5]))
    assert layout.scored.tolist() == [2, 0, 2]
    assert layout.missing.tolist() == [1]
    assert layout.sizes.tolist() == [1.0, 1.0, 2.0]
    assert lay_out(np.array([2, 0, 2]), np.array([1])).scored.tolist() == [2, 0, 2]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-1e6, 1e6)), min_size=1), st.randoms())
def test_sums_have_the_same_bytes_in_any_order(
    rows: list[tuple[int, float]], chance: Random
) -> None:
    nothing = np.array([], dtype=np.int64)
    sums = []
    for _ in range(2):
        clusters = np.array([row[0] for row in rows])
        layout = lay_out(clusters, nothing)
        sums.append(layout.sums(np.array([row[1] for row in rows])).tobytes())
        chance.shuffle(rows)
    assert sums[0] == sums[1]


def test_totals_round_once() -> None:
    assert total(np.array([1e16, 1.0, -1e16])) == 1.0


def test_clusters_without_a_scored_row_change_no_sum() -> None:
    """As many clusters as scored rows, though all rows are of one of them."""
    layout = lay_out(np.array([1, 1, 1]), np.array([0, 2]))
    values = np.array([1.0, 0.1, 0.1])
    assert layout.sums(values).tobytes() == layout.sums(values[::-1]).tobytes()
