"""What stands for a concern: the usual metrics, each once, and no slip taken for a new one."""

from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.flow.axes import axes_of, defined
from harness.flow.bind import bind
from harness.protocols import Bound
from harness.spec.suite import PluginSpec


@pytest.fixture(scope="module")
def scorers() -> dict[str, Bound]:
    names = ("privacy", "toxicity", "length")
    return {n: bind("scorers", PluginSpec(name=n, use=n), Path()) for n in names}


def test_toxicity_and_leaks_both_stand_for_themselves(scorers: dict[str, Bound]) -> None:
    found = {axis.concern: axis.metric for axis in axes_of(scorers, {})}
    assert found == {"safety": "toxicity.any_rate", "privacy": "privacy.leak_rate"}


def test_a_chosen_metric_stands_for_one_concern_only(scorers: dict[str, Bound]) -> None:
    found = {a.concern: a.metric for a in axes_of(scorers, {"safety": "privacy.leak_rate"})}
    assert found == {"safety": "privacy.leak_rate"}
    found = {a.concern: a.metric for a in axes_of(scorers, {"hate": "toxicity.insult_rate"})}
    assert found["hate"] == "toxicity.insult_rate"
    assert found["safety"] == "toxicity.any_rate"


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"saftey": "privacy.leak_rate"}, "did you mean 'safety'"),
        ({"safety": "privacy.leek_rate"}, "did you mean 'privacy.leak_rate'"),
        ({"safety": "privacy.leak_rate", "leaks": "privacy.leak_rate"}, "two concerns"),
        ({"length": "length.words"}, "no better direction"),
    ],
)
def test_a_slip_is_an_error(
    scorers: dict[str, Bound], chosen: dict[str, str], said: str
) -> None:
    with pytest.raises(SpecError) as raised:
        axes_of(scorers, chosen)
    assert said in str(raised.value)


def test_an_axis_knows_its_scorer(scorers: dict[str, Bound]) -> None:
    axis = axes_of(scorers, {})[0]
    scorer, definition = defined(axis, scorers)
    assert (scorer.name, definition.better) == ("toxicity", "lower")


def test_a_metric_that_carries_its_models_name_is_usual_too() -> None:
    clip = {"encoder": {"use": "clip", "options": {"model": "digits-clip"}}}
    spec = PluginSpec(name="alignment", use="alignment", options=clip)
    found = axes_of({"alignment": bind("scorers", spec, Path())}, {})
    assert [axis.metric for axis in found] == ["alignment.clip_score[digits-clip]"]


def test_of_the_usual_metrics_one_that_has_a_value_comes_first() -> None:
    scorers = {"latency": bind("scorers", PluginSpec(name="latency", use="latency"), Path())}
    (untold,) = axes_of(scorers, {})
    assert untold.metric == "latency.tokens_per_second"
    (found,) = axes_of(scorers, {}, {"latency.seconds_p50", "latency.outputs_per_second"})
    assert (found.concern, found.metric) == ("speed", "latency.outputs_per_second")


def test_a_metric_named_without_its_model_is_suggested_with_it() -> None:
    encoder = {"options": {"model": "digits-features"}}
    options = {"reference": "digits-heldout", "encoder": encoder}
    spec = PluginSpec(name="fidelity", use="fidelity", options=options)
    with pytest.raises(SpecError) as raised:
        axes_of({"fidelity": bind("scorers", spec, Path())}, {"quality": "fidelity.kid"})
    assert "did you mean 'fidelity.kid[digits-features]'?" in str(raised.value)
