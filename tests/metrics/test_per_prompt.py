"""A number for each prompt, of numbers or of vectors, whatever the order of rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.errors import NonFiniteError, PluginError
from harness.metrics.pairwise import mean_squared_distance
from harness.metrics.per_prompt import prompt_numbers
from harness.metrics.rows import Rows
from harness.metrics.stats.clusters import lay_out
from harness.protocols import PerPrompt

VECTORS = np.array([[0.0, 0.0], [5.0, 5.0], [3.0, 4.0], [5.0, 6.0], [9.0, 9.0]], np.float32)
PROMPTS = np.array([0, 1, 0, 1, 2])
NONE = np.array([], dtype=np.int64)
APART = PerPrompt("image", mean_squared_distance)


def rows(
    vectors: NDArray[np.float32], prompts: NDArray[np.int64], missing: NDArray[np.int64] = NONE
) -> Rows:
    return Rows({"image": vectors}, lay_out(prompts, missing))


def test_vectors_are_given_whole_to_the_function_prompt_by_prompt() -> None:
    found = prompt_numbers(APART, rows(VECTORS, PROMPTS))
    assert found.numbers.tolist() == [25.0, 1.0, 0.0]
    assert found.defined.tolist() == [True, True, False]
    assert found.mean == 13.0


def test_a_prompt_that_lacks_a_vector_is_not_whole() -> None:
    found = prompt_numbers(APART, rows(VECTORS, PROMPTS, np.array([1, 3])))
    assert found.whole.tolist() == [True, False, False, False]


def test_the_order_of_rows_changes_no_bit() -> None:
    drawn = np.random.default_rng(3)
    vectors = drawn.normal(size=(40, 7)).astype(np.float32)
    prompts = np.repeat(np.arange(8), 5)
    seen: list[bytes] = []

    def record(group: NDArray[np.float64]) -> float:
        seen.append(group.tobytes())
        return float(group.sum())

    first = prompt_numbers(PerPrompt("image", record), rows(vectors, prompts)).numbers
    mixed = drawn.permutation(40)
    kind = PerPrompt("image", record)
    second = prompt_numbers(kind, rows(vectors[mixed], prompts[mixed])).numbers
    assert first.tobytes() == second.tobytes()
    assert seen[:8] == seen[8:]


def test_a_vector_that_is_not_finite_is_refused() -> None:
    broken = VECTORS.copy()
    broken[2, 1] = np.nan
    with pytest.raises(NonFiniteError, match="column image"):
        prompt_numbers(APART, rows(broken, PROMPTS))


def test_a_number_outside_its_bounds_is_refused() -> None:
    with pytest.raises(PluginError, match="bounds"):
        prompt_numbers(
            PerPrompt("image", mean_squared_distance, (0, 2)), rows(VECTORS, PROMPTS)
        )
