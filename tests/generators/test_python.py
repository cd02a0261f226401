"""A function that a suite names: beside the suite or installed, for one case or a batch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import harness
from harness import digests
from harness.engine.store import Store
from harness.errors import HarnessError, SpecError
from harness.generators.python import Python
from harness.records import Failure, Generated
from tests.generators.asking import case

SHOUT = "def shout(case):\n    return case.prompt.text.upper() + str(case.seed)\n"


def made(folder: Path, source: str, call: str = "mine:shout", **more: Any) -> Python:
    (folder / "mine.py").write_text(source)
    given = {"call": call, "allow_code": True, **more}
    options = Python.Options.model_validate_json(json.dumps(given), context={"base": folder})
    return Python(options)


def told(folder: Path, source: str, *texts: str, **more: Any) -> list[Generated | Failure]:
    with made(folder, source, **more) as python:
        return list(python.generate([case(text) for text in texts]))


def test_it_is_called_with_each_case(tmp_path: Path) -> None:
    assert told(tmp_path, SHOUT, "a", "b") == [Generated(media="A7"), Generated(media="B7")]
    assert made(tmp_path, SHOUT).batch == 1


def test_it_is_called_with_a_list_where_a_batch_is_asked_for(tmp_path: Path) -> None:
    source = "def shout(cases):\n    return [f'{c.prompt.text}/{len(cases)}' for c in cases]\n"
    answers = told(tmp_path, source, "a", "b", batch=16)
    assert answers == [Generated(media="a/2"), Generated(media="b/2")]
    assert made(tmp_path, source, batch=16).batch == 16


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return None", "the function returned NoneType, where text was asked for"),
        ("return 3", "the function returned int, where text was asked for"),
    ],
)
def test_what_is_no_text_is_a_failure(tmp_path: Path, body: str, said: str) -> None:
    assert told(tmp_path, f"def shout(case):\n    {body}\n", "a") == [Failure(said)]


def test_a_coroutine_is_no_answer(tmp_path: Path) -> None:
    (answer,) = told(tmp_path, "async def shout(case):\n    return 'a'\n", "a")
    assert answer == Failure("the function returned coroutine, where text was asked for")


def test_a_failure_or_an_answer_with_its_times_passes_through(tmp_path: Path) -> None:
    source = (
        "from harness.records import Failure, Generated\n"
        "def shout(case):\n"
        "    if case.prompt.text == 'a':\n        return Failure('no')\n"
        "    return Generated(media='yes', tokens=3)\n"
    )
    assert told(tmp_path, source, "a", "b") == [Failure("no"), Generated(media="yes", tokens=3)]


def test_its_identity_is_the_digest_of_its_file_and_nothing_is_imported_for_it(
    tmp_path: Path,
) -> None:
    python = made(tmp_path, "raise SystemExit\n", files=["mine.py"])
    python.check({"anything": 1})
    assert python.weights == {"mine.py": digests.of_file(tmp_path / "mine.py")}


def test_two_suites_with_a_module_of_one_name_each_call_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        source = f"def shout(case):\n    return {name!r}\n"
        assert told(tmp_path / name, source, "a") == [Generated(media=name)]


def test_a_module_may_hold_dataclasses(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass A:\n    text: str\n"
        "def shout(case):\n    return A('x').text\n"
    )
    assert told(tmp_path, source, "a") == [Generated(media="x")]


def test_an_installed_function_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "shouting_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "loud.py").write_text(SHOUT)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    folder = tmp_path / "suite"
    folder.mkdir()
    answers = told(folder, "", "a", call="shouting_package.loud:shout")
    assert answers == [Generated(media="A7")]
    weights = made(folder, "", call="shouting_package.loud:shout").weights
    assert list(weights.values()) == [digests.of_file(package / "loud.py")]
    assert sys.modules.pop("shouting_package.loud")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("absent_module:f", "there is no module 'absent_module'"),
        ("absent.module:f", "there is no module 'absent.module'"),
        ("sys:exit", "there is no module 'sys'"),
        ("mine:whisper", "mine has no function 'whisper'"),
    ],
)
def test_what_is_not_there_is_told_before_anything_is_generated(
    tmp_path: Path, call: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        made(tmp_path, SHOUT, call=call).__enter__()
    assert caught.value.fix


def test_a_misspelt_function_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="did you mean 'shout'"):
        made(tmp_path, SHOUT, call="mine:shoot").__enter__()


@pytest.mark.parametrize("wrong", ["case['prompt']", "case.text", "len(case)"])
def test_who_takes_a_case_for_something_else_is_told_where_the_text_is(
    tmp_path: Path, wrong: str
) -> None:
    source = f"def shout(case):\n    return {wrong}\n"
    with pytest.raises(TypeError, match=r"'Case'.* `case\.prompt\.text`"):
        told(tmp_path, source, "a")


def test_another_error_of_the_function_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"^'int' object is not subscriptable$"):
        told(tmp_path, "def shout(case):\n    return case.seed[0]\n", "a")


@pytest.mark.parametrize(
    "given",
    [{"allow_code": False}, {"call": "mine"}, {"call": "../mine:f"}, {"call": "a.py:f;g"}],
)
def test_code_is_opted_into_and_named(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(tmp_path, SHOUT, **given)
    with pytest.raises(HarnessError, match="before it was imported"):
        made(tmp_path, SHOUT).generate([case("a")])


def test_in_a_run_what_it_raises_fails_its_own_case_only(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def shout(case):\n    return {'a': 'A', 'b': 'B'}[case.prompt.text]\n"
    )
    (tmp_path / "suite.yaml").write_text(
        "apiVersion: harness/v1\nkind: Suite\nmetadata: {name: calling}\n"
        "generators: [{use: python, options: {call: 'mine:shout', allow_code: true}}]\n"
        "prompts:\n  - {items: [a, b, boom]}\nscorers: [{use: length}]\n"
    )
    _, folder = harness.run(tmp_path / "suite.yaml", out=tmp_path / "run")
    with Store(folder) as store:
        rows = store.columns("outputs", ("text", "error")).to_pylist()
    told = {(row["text"], row["error"]) for row in rows}
    assert told == {("A", None), ("B", None), (None, "KeyError: 'boom'")}
