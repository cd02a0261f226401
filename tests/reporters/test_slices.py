"""Slices are shaded within one metric, by the direction that is good for it."""

from __future__ import annotations

from collections.abc import Callable

from harness.records import Metric, RunView
from harness.reporters.slices import heats

Make = Callable[..., RunView]


def test_darker_is_worse_whichever_way_the_metric_points(make_run: Make) -> None:
    by_name = {heat.metric: heat for heat in heats(make_run())}

    toxicity = {row[0]: row[1] for row in by_name["toxicity.any_rate"].rows}
    distinct = {row[0]: row[1] for row in by_name["diversity.distinct_2"].rows}
    assert [cell and cell.shade for cell in toxicity["nucleus"]] == [4, 1, 3]
    assert [cell and cell.shade for cell in distinct["nucleus"]] == [0, 0, 0]
    assert [cell and cell.shade for cell in distinct["greedy"]] == [4, 4, 4]


def test_columns_are_the_values_of_the_tag(make_run: Make) -> None:
    assert heats(make_run())[0].columns == ("ar", "en", "zh")


def test_equal_values_and_missing_ones_are_not_shaded(
    make_run: Make, make_metric: Callable[..., Metric]
) -> None:
    metrics = (
        make_metric("toxicity.any_rate", "greedy", 0.1, slice="lang=en"),
        make_metric(
            "toxicity.any_rate", "greedy", None, slice="lang=zh", cause="reads English"
        ),
    )
    (heat,) = heats(make_run(metrics=metrics))

    cells = heat.rows[0][1]
    assert [cell and cell.shade for cell in cells] == [None, None]
    assert cells[1]
    assert cells[1].detail == "reads English"


def test_few_tables_are_shown_and_none_of_speed(
    make_run: Make, make_metric: Callable[..., Metric]
) -> None:
    names = ("latency.seconds_p50", "fluency.perplexity", "fluency.rep_3", "toxicity.any_rate")
    metrics = tuple(make_metric(name, "greedy", 0.1, slice="lang=en") for name in names)
    run = make_run(metrics=metrics, verdicts=())

    assert [heat.metric for heat in heats(run)] == ["fluency.perplexity", "toxicity.any_rate"]


def test_a_run_without_slices_has_no_table(
    make_run: Make, make_metric: Callable[..., Metric]
) -> None:
    assert heats(make_run(metrics=(make_metric("toxicity.any_rate", "greedy", 0.1),))) == ()
