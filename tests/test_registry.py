"""Plug-ins are found by name, one package a name, and imported only when asked for."""

import sys
from pathlib import Path

import pytest

from harness import registry
from harness.errors import PluginError
from harness.scorers.length import Length
from tests.fake_package import install


@pytest.fixture(autouse=True)
def nothing_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_local", {})


def test_a_built_in_is_found_like_any_other() -> None:
    assert registry.load("scorers", "length") is Length
    assert registry.names("scorers")["length"] == "harness 0.1.0"


def test_names_come_in_order() -> None:
    for kind in registry.KINDS:
        assert list(registry.names(kind)) == sorted(registry.names(kind))


def test_another_package_s_plugin_is_found_and_imported_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[harness.scorers]\nmine = my_lazy_scorers:Mine\n"
    install(tmp_path, monkeypatch, "my-pack", points, my_lazy_scorers="class Mine: ...\n")
    assert registry.names("scorers")["mine"] == "my-pack 1.0"
    assert "my_lazy_scorers" not in sys.modules
    assert registry.load("scorers", "mine").__name__ == "Mine"


def test_two_packages_with_one_name_are_an_error_naming_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[harness.scorers]\nlength = other_length:Length\n"
    install(tmp_path, monkeypatch, "other-pack", points)
    with pytest.raises(PluginError, match="claimed by") as caught:
        registry.load("scorers", "length")
    assert "harness 0.1.0" in str(caught.value)
    assert "other-pack 1.0" in str(caught.value)
    listed = registry.names("scorers")["length"]
    assert "harness 0.1.0" in listed
    assert "other-pack 1.0" in listed


def test_an_unknown_name_gets_a_near_one_or_the_list() -> None:
    with pytest.raises(PluginError, match="no scorer is named 'toxicty'") as caught:
        registry.load("scorers", "toxicty")
    assert caught.value.fix == "did you mean 'toxicity'?"
    with pytest.raises(PluginError) as caught:
        registry.load("scorers", "xyz")
    assert caught.value.fix == "see them with `harness list scorers`"


@pytest.mark.parametrize("call", [registry.names, lambda kind: registry.plugin(kind, "x")])
def test_an_unknown_kind_gets_a_near_one_or_the_list(call: object) -> None:
    with pytest.raises(PluginError) as caught:
        call("scorer")  # type: ignore[operator]
    assert caught.value.fix == "did you mean 'scorers'?"
    with pytest.raises(PluginError) as caught:
        call("xyz")  # type: ignore[operator]
    assert caught.value.fix == "one of generators, encoders, scorers, reporters, executors"


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ("import not_there_at_all.deep\n", "pip install not_there_at_all"),
        ("from json import not_there\n", "upgrade or uninstall that package"),
        ("", "upgrade or uninstall that package"),
    ],
)
def test_a_plugin_that_cannot_be_imported_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, fix: str
) -> None:
    points = "[harness.generators]\nbroken = my_broken:Broken\n"
    install(tmp_path, monkeypatch, "broken-pack", points, my_broken=source)
    monkeypatch.delitem(sys.modules, "my_broken", raising=False)
    with pytest.raises(PluginError, match=r"'broken' of broken-pack 1\.0") as caught:
        registry.load("generators", "broken")
    assert caught.value.where == "my_broken:Broken"
    assert caught.value.fix == fix
    assert caught.value.exit_code == 64
    monkeypatch.delitem(sys.modules, "my_broken", raising=False)


def test_local_code_registers_by_decorator() -> None:
    @registry.plugin("scorers", "mine")
    class Mine: ...

    assert registry.load("scorers", "mine") is Mine
    assert registry.names("scorers")["mine"] == __name__


def local_class() -> type[object]:
    class Mine: ...

    return Mine


def test_the_same_class_made_again_replaces_itself() -> None:
    first, second = local_class(), local_class()
    registry.plugin("scorers", "mine")(first)
    registry.plugin("scorers", "mine")(second)
    assert registry.load("scorers", "mine") is second


def test_another_class_cannot_take_a_local_name() -> None:
    registry.plugin("scorers", "mine")(local_class())
    with pytest.raises(PluginError, match=r"claimed by .*Mine and .*Length"):
        registry.plugin("scorers", "mine")(Length)
    assert registry.load("scorers", "mine").__name__ == "Mine"


def test_local_code_cannot_take_a_built_in_s_name() -> None:
    with pytest.raises(PluginError, match=r"claimed by harness 0.1.0 and .*Mine"):
        registry.plugin("scorers", "length")(local_class())
    assert registry.load("scorers", "length") is Length
