"""The geometry of the scatter: the better corner is top right, and numbers stay apart."""

import math

import pytest

from harness.comparison import Axis, Comparison, Contender, Point
from harness.reporters.scatter import HEIGHT, WIDTH, plot

QUALITY = Axis("quality", "fluency.perplexity", "perplexity", "lower")
DIVERSITY = Axis("diversity", "diversity.distinct_2", "share", "higher")


def point(value: float | None, wide: float = 0.1) -> Point:
    if value is None:
        return Point(None, None, None, 0, 10, "unscored")
    return Point(value, value - wide, value + wide, 100, 0)


def comparison(*pairs: tuple[float | None, float | None], wide: float = 0.1) -> Comparison:
    arms = tuple(
        Contender(
            name=f"arm {i}", run_id="r", generator="g", strategy=f"s{i}", outcome=None,
            points={QUALITY.metric: point(a, wide), DIVERSITY.metric: point(b, wide)},
            front=False,
        )
        for i, (a, b) in enumerate(pairs)
    )  # fmt: skip
    return Comparison(
        axes=(QUALITY, DIVERSITY), contenders=arms, contests=(), reference="arm 0",
        correction="holm", alpha=0.05, recommended=None, because="",
    )  # fmt: skip


def test_better_is_to_the_right_and_to_the_top() -> None:
    found = plot(comparison((10.0, 0.2), (20.0, 0.8)), QUALITY, DIVERSITY)
    assert found is not None
    fluent, diverse = found.dots
    assert fluent.x > diverse.x
    assert diverse.y < fluent.y
    assert fluent.front
    assert diverse.front


def test_the_line_joins_only_what_nothing_beats() -> None:
    found = plot(comparison((10.0, 0.8), (20.0, 0.2), (5.0, 0.1)), QUALITY, DIVERSITY)
    assert found is not None
    assert [dot.front for dot in found.dots] == [True, False, True]
    assert len(found.front.split()) == 2


def test_an_arm_without_a_value_is_left_out_and_keeps_its_number() -> None:
    found = plot(comparison((10.0, 0.8), (None, 0.2), (5.0, 0.1)), QUALITY, DIVERSITY)
    assert found is not None
    assert [dot.number for dot in found.dots] == [1, 3]
    assert plot(comparison((10.0, 0.8), (None, 0.2)), QUALITY, DIVERSITY) is None


@pytest.mark.parametrize("wide", [0.0, 0.1, 1e6])
def test_everything_lies_inside_the_picture(wide: float) -> None:
    pairs = [(10.0 + i % 4 * 0.01, 0.5 + i * 0.001) for i in range(12)]
    found = plot(comparison(*pairs, wide=wide), QUALITY, DIVERSITY)
    assert found is not None
    for dot in found.dots:
        for x in (dot.x, dot.label[0], *dot.across):
            assert 0 <= x <= WIDTH
        for y in (dot.y, dot.label[1], *dot.along):
            assert 0 <= y <= HEIGHT


def test_numbers_of_crowded_arms_do_not_cover_each_other() -> None:
    pairs = [(10.0 + i * 0.6, 0.5 + i % 3 * 0.04) for i in range(11)]
    found = plot(comparison(*pairs), QUALITY, DIVERSITY)
    assert found is not None
    labels = [dot.label for dot in found.dots]
    apart = [math.dist(a, b) for i, a in enumerate(labels) for b in labels[:i]]
    assert min(apart) >= 12


def test_arms_that_are_all_alike_still_give_a_picture() -> None:
    assert plot(comparison((1.0, 0.0), (1.0, 0.0)), QUALITY, DIVERSITY) is not None
