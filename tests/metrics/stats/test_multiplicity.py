from collections.abc import Callable, Sequence
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from harness.errors import NonFiniteError
from harness.metrics.stats.multiplicity import benjamini_hochberg, holm, holm_rejections

P_VALUES = st.lists(st.floats(0, 1), max_size=8)


def closed(p_values: list[float]) -> list[float]:
    """Adjust by closure: the worst Bonferroni test of any set that an item is in."""
    m = len(p_values)
    sets = [s for size in range(1, m + 1) for s in combinations(range(m), size)]
    local = {s: min(1.0, len(s) * min(p_values[i] for i in s)) for s in sets}
    return [max(local[s] for s in sets if i in s) for i in range(m)]


def test_values_by_hand_come_out() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert holm(p_values) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p_values) == pytest.approx([0.02, 0.04, 0.04, 0.02])


@settings(deadline=None)
@given(P_VALUES)
def test_holm_is_the_closure_of_bonferroni(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(closed(p_values))


@settings(deadline=None)
@given(P_VALUES.filter(bool))
def test_benjamini_hochberg_is_scipys(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(
        list(false_discovery_control(p_values))
    )


@settings(deadline=None)
@given(P_VALUES, st.randoms(use_true_random=False))
def test_the_order_of_p_values_only_moves_the_answers(
    p_values: list[float], random: Random
) -> None:
    order = list(range(len(p_values)))
    random.shuffle(order)
    shuffled = [p_values[i] for i in order]
    assert holm(shuffled) == [holm(p_values)[i] for i in order]
    found = benjamini_hochberg(p_values)
    assert benjamini_hochberg(shuffled) == [found[i] for i in order]
    pairs = zip(p_values, found, holm(p_values), strict=True)
    assert all(p <= bh + 1e-15 and bh <= h + 1e-15 for p, bh, h in pairs)


@settings(deadline=None)
@given(P_VALUES, st.integers(0, 5), st.floats(0.5, 0.99))
def test_stepping_down_without_p_values_rejects_what_holm_does(
    p_values: list[float], others: int, confidence: float
) -> None:
    family = len(p_values) + others
    known = {str(i): p for i, p in enumerate(p_values)}
    alpha, expected = 1.0 - confidence, set()
    for rank, item in enumerate(sorted(known, key=lambda i: known[i])):
        if known[item] > 1.0 - (1.0 - alpha / (family - rank)):
            break
        expected.add(item)
    found = holm_rejections(family, list(known), confidence, lambda i, c: known[i] <= 1.0 - c)
    assert found == expected


def test_a_family_without_findings_costs_one_call_an_item() -> None:
    calls: list[tuple[str, float]] = []

    def rejects(item: str, confidence: float) -> bool:
        calls.append((item, confidence))
        return False

    assert holm_rejections(12, list("abcdefgh"), 0.95, rejects) == frozenset()
    assert sorted(item for item, _ in calls) == list("abcdefgh")


def test_one_clear_finding_costs_one_call_more() -> None:
    calls: list[str] = []

    def rejects(item: str, confidence: float) -> bool:
        calls.append(item)
        return item == "c"

    assert holm_rejections(8, list("abcdefgh"), 0.95, rejects) == {"c"}
    assert len(calls) == 9


def test_a_large_family_asks_more_of_each_member() -> None:
    def rejects(item: str, confidence: float) -> bool:
        return 1.0 - confidence >= 0.01

    assert holm_rejections(5, ["a"], 0.95, rejects) == {"a"}
    assert holm_rejections(6, ["a"], 0.95, rejects) == frozenset()


def test_no_tests_reject_nothing() -> None:
    assert holm([]) == benjamini_hochberg([]) == []
    assert holm_rejections(3, [], 0.95, lambda item, level: True) == frozenset()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_a_p_value_that_is_no_number_is_an_error(
    adjust: Callable[[Sequence[float]], list[float]],
) -> None:
    with pytest.raises(NonFiniteError):
        adjust([0.01, float("nan")])


def test_holm_holds_its_error_where_plain_tests_do_not() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    p_values = rng.random((2000, 10))
    plain = np.mean([min(row) <= 0.05 for row in p_values])
    held = np.mean([min(holm(list(row))) <= 0.05 for row in p_values])
    assert plain > 0.35
    assert held <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
