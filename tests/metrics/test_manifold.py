"""Manifold metrics against their definitions written out, and cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import NonFiniteError, PluginError, SpecError
from harness.metrics.features import TILE
from harness.metrics.manifold import Manifold, manifold, manifold_without_each

# Small whole numbers: many rows lie exactly on the edge of a ball.
POINTS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=4, max_size=12)


def by_definition(generated: np.ndarray, reference: np.ndarray, k: int) -> Manifold:
    def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(((a[:, None] - b) ** 2).sum(axis=2)))

    def reach(rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.sort(apart(rows, rows), axis=1)[:, k])

    across = apart(reference, generated)
    inside = across <= reach(reference)[:, None]
    return Manifold(
        precision=inside.any(axis=0).mean(),
        recall=(across <= reach(generated)).any(axis=1).mean(),
        density=inside.sum() / (k * len(generated)),
        coverage=inside.any(axis=1).mean(),
    )


def numbers(found: Manifold | None) -> list[float]:
    assert found is not None
    return [found.precision, found.recall, found.density, found.coverage]


@given(POINTS, POINTS, st.integers(1, 3))
def test_rows_on_an_edge_are_inside(
    a: list[tuple[int, int]], b: list[tuple[int, int]], k: int
) -> None:
    generated, reference = np.array(a, dtype=float), np.array(b, dtype=float)
    expected = numbers(by_definition(generated, reference, k))
    assert numbers(manifold(generated, reference, k)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("k", [3, 5])
def test_the_definition_is_met_over_several_tiles(k: int) -> None:
    rng = np.random.default_rng(0)
    generated = 0.7 * rng.standard_normal((TILE + 40, 6))
    reference = rng.standard_normal((TILE + 300, 6)) + 0.3
    expected = numbers(by_definition(generated, reference, k))
    assert numbers(manifold(generated, reference, k)) == pytest.approx(expected, abs=1e-15)


def test_a_case_worked_by_hand() -> None:
    # Balls to the nearest neighbour: [-1, 1], [0, 2], [1, 15] hold 0.5 twice, 1.5 twice,
    # 9 once, 20 never; [-.5, 1.5], [.5, 2.5], [1.5, 16.5], [9, 31] hold 0, 1 and 8.
    reference = np.array([[0.0], [1.0], [8.0]])
    generated = np.array([[0.5], [1.5], [9.0], [20.0]])
    found = numbers(manifold(generated, reference, 1))
    assert found == pytest.approx([3 / 4, 1, 5 / 4, 1])


def test_a_collapsed_generator_is_precise_and_recalls_little() -> None:
    # torch-fidelity, tests/torch_pure/misc/test_prc_convention.py.
    rng = np.random.default_rng(42)
    found = manifold(0.1 * rng.standard_normal((200, 16)), 3 * rng.standard_normal((200, 16)))
    assert found is not None
    assert found.precision > 0.8
    assert found.recall < 0.3


@given(st.integers(0, 999))
def test_order_rotation_and_translation_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((12, 3)), rng.standard_normal((15, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3))).Q
    moved = manifold((a @ turn + 9)[::-1], rng.permutation(b @ turn + 9))
    assert numbers(moved) == pytest.approx(numbers(manifold(a, b)), abs=1e-15)


def test_a_set_holds_itself_even_far_from_the_origin_and_all_of_one_point() -> None:
    rows = np.random.default_rng(0).standard_normal((40, 8)) + 1000
    assert numbers(manifold(rows, rows.copy()))[:2] == [1, 1]
    assert numbers(manifold(rows, rows.copy()))[3] == 1
    same = np.repeat(rows[:1], 10, axis=0)
    assert numbers(manifold(same, same[:7])) == [1, 1, 7 / 3, 1]


@settings(deadline=None)
@given(POINTS, POINTS, st.integers(1, 3), st.integers(2, 4), st.integers(0, 99))
def test_without_each_group_the_rest_is_what_it_is_alone(
    a: list[tuple[int, int]], b: list[tuple[int, int]], k: int, groups: int, seed: int
) -> None:
    generated, reference = np.array(a, dtype=float), np.array(b, dtype=float)
    group = np.random.default_rng(seed).permutation(len(a)) % groups
    rests = [manifold(generated[group != g], reference, k) for g in range(groups)]
    found = manifold_without_each(generated, reference, group, k)
    if None in rests:
        assert found is None
    else:
        assert found is not None
        for one, rest in zip(found, rests, strict=True):
            assert numbers(one) == pytest.approx(numbers(rest), abs=1e-15)


def test_rests_over_several_tiles_are_those_of_the_rows_alone() -> None:
    rng = np.random.default_rng(0)
    generated = 0.7 * rng.standard_normal((TILE + 140, 6))
    reference = rng.standard_normal((TILE + 30, 6)) + 0.3
    group = rng.integers(0, 5, len(generated))
    found = manifold_without_each(generated, reference, group)
    assert found is not None
    for g in (0, 4):
        alone = numbers(manifold(generated[group != g], reference))
        assert numbers(found[g]) == pytest.approx(alone, abs=1e-15)


def test_a_rest_without_k_neighbours_has_no_manifold() -> None:
    rows = np.random.default_rng(0).standard_normal((9, 2))
    assert manifold_without_each(rows, rows, np.repeat([0, 1], (6, 3)), 3) is None
    assert manifold_without_each(rows, rows[:3], np.arange(9), 3) is None
    with pytest.raises(SpecError):
        manifold_without_each(rows, rows, np.arange(9), 0)


def test_sets_far_apart_share_nothing() -> None:
    rows = np.random.default_rng(0).standard_normal((40, 8))
    assert numbers(manifold(rows, rows + 100)) == [0, 0, 0, 0]


def test_too_few_rows_for_k_neighbours_have_no_manifold() -> None:
    rows = np.random.default_rng(0).standard_normal((9, 2))
    assert manifold(rows[:3], rows, 3) is None
    assert manifold(rows, rows[:3], 3) is None
    assert manifold(rows[:4], rows, 3) is not None


def test_what_makes_no_sense_is_refused() -> None:
    rows = np.random.default_rng(0).standard_normal((9, 2))
    bad = rows.copy()
    bad[0, 0] = np.nan
    with pytest.raises(SpecError):
        manifold(rows, rows, 0)
    with pytest.raises(NonFiniteError):
        manifold(rows, bad)
    with pytest.raises(PluginError):
        manifold(rows, np.ones((9, 3)))
