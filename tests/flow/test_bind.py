"""Fingerprints: whatever can change a result changes the name it is stored under."""

from pathlib import Path
from typing import Any

import pytest

import harness
from harness import registry
from harness.errors import PluginError, SpecError
from harness.flow import bind as binding
from harness.flow.bind import bind
from harness.spec.suite import PluginSpec
from tests.flow.plugs import Answers, fine, make_scorer


def bound(kind: str = "scorers", use: str = "reads", **options: Any) -> Any:
    return bind(kind, PluginSpec(use=use, options=options), Path())


def test_the_same_plugin_has_the_same_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    make_scorer(monkeypatch, fine)
    assert bound().fingerprint == bound().fingerprint


@pytest.mark.parametrize(
    ("name", "value"),
    [("weights", {"model": "sha"}), ("requires", ["numpy"]), ("__module__", Path.__module__)],
)
def test_weights_libraries_and_source_change_the_fingerprint(
    name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_scorer(monkeypatch, fine)
    before = bound().fingerprint
    monkeypatch.setattr(made, name, value)
    assert bound().fingerprint != before


def test_options_change_the_fingerprint_and_the_name_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_scorer(monkeypatch, fine)
    assert bound(note="new").fingerprint != bound().fingerprint
    named = bind("scorers", PluginSpec(use="reads", name="other"), Path())
    assert named.fingerprint == bound().fingerprint


def test_a_fingerprint_covers_the_files_a_plugin_is_built_on_and_no_others() -> None:
    root = Path(harness.__file__).resolve().parent

    def used(path: str) -> set[str]:
        return {p.relative_to(root).as_posix() for p in binding._built_on(root / path)}

    assert {"scorers/toxicity_columns.py", "encoders/toxblock.py"} <= used(
        "scorers/toxicity.py"
    )
    assert {"generators/decoding.py", "encoders/language_model.py"} <= used(
        "generators/transformers.py"
    )
    assert {"metrics/ngrams.py", "metrics/tokens.py"} <= used("scorers/diversity.py")
    assert {"metrics/pii/detect.py", "metrics/pii/rule.py"} <= used("scorers/privacy.py")
    assert not used("scorers/length.py")
    for name in registry.names("scorers"):
        files = used(f"scorers/{name}.py")
        assert not any("stats/" in file or "estimate" in file for file in files), name
        assert not any(file.startswith("generators/") for file in files), name
    for name in registry.names("generators"):
        assert not any(file.startswith("metrics/") for file in used(f"generators/{name}.py"))


def test_a_missing_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_scorer(monkeypatch, fine)
    monkeypatch.setattr(made, "requires", ["no-such-distribution"])
    with pytest.raises(PluginError, match="needs no-such-distribution") as error:
        bound()
    assert "pip install no-such-distribution" in str(error.value)


def test_a_misspelt_option_gets_a_hint() -> None:
    with pytest.raises(SpecError, match="did you mean 'shuffle'") as error:
        bound("generators", "echo", shufle=True)
    assert "times, fail_on, shuffle, batch" in str(error.value)


def test_options_are_not_guessed() -> None:
    with pytest.raises(SpecError, match="valid integer"):
        bound("generators", "echo", times="2")


def test_binding_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(Answers):
        def __enter__(self) -> Any:
            raise AssertionError

    Closed.__module__ = Answers.__module__
    monkeypatch.setitem(registry._local, ("generators", "closed"), Closed)
    assert bound("generators", "closed").identity["kind"] == "code"
