"""The JSON holds the whole run, strictly, and reads back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from types import MappingProxyType

import pytest

from harness.errors import NonFiniteError
from harness.records import RunView
from harness.reporters.json import Json

Make = Callable[..., RunView]


def test_every_field_of_the_run_is_there_with_the_schema(make_run: Make) -> None:
    tree = json.loads(Json().render(make_run("fail")))

    assert tree.pop("schema") == "harness.run/1"
    assert set(tree) == {field.name for field in dataclasses.fields(RunView)}
    assert tree["verdicts"][1]["findings"][0]["low"] == 0.0331


def test_hostile_text_reads_back_exactly_and_the_file_is_ascii(hostile_run: RunView) -> None:
    data = Json().render(hostile_run)

    data.decode("ascii")
    assert json.loads(data)["examples"][0]["text"] == hostile_run.examples[0].text
    assert json.loads(data)["run_id"] == hostile_run.run_id


def test_keys_are_sorted_and_any_mapping_will_do(make_run: Make) -> None:
    run = make_run(environment=MappingProxyType({"b": 1, "a": (1, None)}))

    assert b'"environment":{"a":[1,null],"b":1}' in Json().render(run)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_an_error(make_run: Make, value: float) -> None:
    with pytest.raises(NonFiniteError):
        Json().render(make_run(environment={"x": value}))


def test_the_same_run_gives_the_same_bytes(make_run: Make) -> None:
    assert Json().render(make_run()) == Json().render(make_run())
