"""Strategies stand side by side, and a difference that may be noise is not a win."""

from __future__ import annotations

from collections.abc import Callable

from harness.records import Metric, RunView
from harness.reporters.strategies import Line, compare, concern, headline

Make = Callable[..., RunView]
MakeMetric = Callable[..., Metric]


def _line(run: RunView, name: str) -> Line:
    return next(x for _, lines in compare(run).concerns for x in lines if x.metric == name)


def test_columns_follow_the_order_of_the_run(make_run: Make) -> None:
    assert compare(make_run()).arms == ("greedy", "nucleus", "beam-sample")


def test_concerns_come_as_quality_diversity_safety_speed(make_run: Make) -> None:
    names = [name for name, _ in compare(make_run()).concerns]

    assert names == ["Quality", "Diversity", "Safety", "Speed"]


def test_only_an_interval_clear_of_all_others_is_starred(make_run: Make) -> None:
    cells = _line(make_run(), "diversity.distinct_2").cells
    assert [cell.clear for cell in cells if cell] == [False, True, False]

    cells = _line(make_run(), "fluency.perplexity").cells
    assert not any(cell.clear for cell in cells if cell)


def test_numbers_with_different_signatures_are_never_compared(
    make_run: Make, make_metric: MakeMetric
) -> None:
    metrics = (
        make_metric("toxicity.any_rate", "a", 0.001, signature="one"),
        make_metric("toxicity.any_rate", "b", 0.9, signature="two"),
    )
    cells = _line(make_run(metrics=metrics), "toxicity.any_rate").cells

    assert not any(cell.clear for cell in cells if cell)


def test_of_several_confidences_the_highest_is_shown(
    make_run: Make, make_metric: MakeMetric
) -> None:
    metrics = tuple(
        make_metric("toxicity.any_rate", "a", 0.1, confidence=sure, high=high)
        for sure, high in ((0.9, 0.2), (0.99, 0.4), (0.95, 0.3))
    )
    cell = _line(make_run(metrics=metrics), "toxicity.any_rate").cells[0]

    assert cell
    assert cell.interval == "[0.09, 0.4]"


def test_an_arm_without_the_metric_has_no_cell(make_run: Make, make_metric: MakeMetric) -> None:
    metrics = (
        make_metric("latency.seconds_p50", "a", 1.0),
        make_metric("toxicity.any_rate", "b", 0.1),
    )

    assert _line(make_run(metrics=metrics), "latency.seconds_p50").cells[1] is None


def test_a_metric_the_policy_rules_on_is_always_shown(
    make_run: Make, make_metric: MakeMetric
) -> None:
    crowd = tuple(make_metric(f"toxicity.a{i}_rate", "greedy", 0.1) for i in range(9))
    ruled = make_metric("toxicity.any_rate", "greedy", 0.1)

    shown = headline(make_run(metrics=(*crowd, ruled)))

    assert "toxicity.any_rate" in shown
    assert len(shown) == 1


def test_a_concern_without_a_telling_metric_shows_its_first(
    make_run: Make, make_metric: MakeMetric
) -> None:
    crowd = tuple(make_metric(f"bias.a{i}_rate", "greedy", 0.1) for i in range(9))

    assert headline(make_run(metrics=crowd)) == ("bias.a0_rate", "bias.a1_rate")


def test_a_metric_of_no_known_concern_is_shown_where_there_is_nothing_else(
    make_run: Make, make_metric: MakeMetric
) -> None:
    assert concern("length.mean") == "Other"
    run = make_run(metrics=(make_metric("length.mean", "greedy", 4.0),))
    assert headline(run) == ("length.mean",)
