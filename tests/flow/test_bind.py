"""Fingerprints: whatever can change a result changes the name it is stored under."""

from pathlib import Path
from typing import Any

import pytest

import harness
from harness import registry
from harness.errors import AlteredError, PluginError, SpecError
from harness.flow import bind as binding
from harness.flow.bind import bind, bind_recorded
from harness.spec.load import digest, load
from harness.spec.suite import PluginSpec, SuiteSpec
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


ENDPOINT = {"base_url": "https://api.example.com/v1", "model": "m"}
PROGRAM = {"argv": ["x"], "files": ["pyproject.toml"], "allow_code": True}


@pytest.mark.parametrize(
    ("use", "given", "change"),
    [
        ("endpoint", ENDPOINT, {"max_concurrency": 64}),
        ("endpoint", ENDPOINT, {"batch": 3, "retries": 0, "timeout_seconds": 5.0}),
        ("endpoint", ENDPOINT, {"requests_per_minute": 10, "max_wait_seconds": 1.0}),
        (
            "endpoint",
            ENDPOINT,
            {"max_cost": 1.0, "price_per_million": {"input": 1, "output": 2}},
        ),
        ("command", PROGRAM, {"timeout_seconds": 5.0, "batch": 2}),
    ],
)
def test_immaterial_options_change_no_fingerprint(
    use: str, given: dict[str, Any], change: dict[str, Any]
) -> None:
    before, after = (
        bound("generators", use, **given),
        bound("generators", use, **given, **change),
    )
    assert after.fingerprint == before.fingerprint
    assert after.identity == before.identity
    assert before.identity["options"] == given


@pytest.mark.parametrize(
    ("use", "given", "change"),
    [
        ("endpoint", ENDPOINT, {"model": "other"}),
        ("endpoint", ENDPOINT, {"base_url": "https://api.example.com/v2"}),
        ("endpoint", ENDPOINT, {"max_tokens": 5}),
        ("endpoint", ENDPOINT, {"system": "Be brief."}),
        ("endpoint", ENDPOINT, {"stream": False}),
        ("endpoint", ENDPOINT, {"headers": {"x-route": "b"}}),
        ("command", PROGRAM, {"argv": ["y"]}),
        ("command", PROGRAM, {"env": {"MODE": "b"}}),
    ],
)
def test_options_that_answers_may_depend_on_change_it(
    use: str, given: dict[str, Any], change: dict[str, Any]
) -> None:
    other = bound("generators", use, **given | change)
    assert other.fingerprint != bound("generators", use, **given).fingerprint


def test_what_a_plugin_calls_immaterial_is_an_option_of_its() -> None:
    for kind in ("generators", "encoders", "scorers"):
        for name in registry.names(kind):
            cls = registry.load(kind, name)
            assert set(getattr(cls, "immaterial", ())) <= cls.Options.model_fields.keys()


def test_a_scorer_is_made_again_from_its_record_whatever_its_immaterial_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_scorer(monkeypatch, fine, immaterial=("note",))
    one = bound(note="fast")
    assert one.fingerprint == bound(note="slow").fingerprint
    recorded = {"identity": one.identity, "fingerprint": one.fingerprint}
    spec = PluginSpec(use="reads", options={"note": "slow"})
    assert bind_recorded(spec, recorded).fingerprint == one.fingerprint
    forged = {**recorded, "identity": {**one.identity, "immaterial": []}}
    with pytest.raises(AlteredError, match="contradicts itself"):
        bind_recorded(spec, forged)


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
        files = used(f"scorers/{name.replace(chr(45), chr(95))}.py")
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


def suite_of(tmp_path: Path, plugins: str) -> SuiteSpec:
    """A suite in a file, whose generators begin in its fourth line."""
    path = tmp_path / "suite.yaml"
    head = "apiVersion: harness/v1\nkind: Suite\nmetadata: {name: s}\n"
    path.write_text(f"{head}{plugins}\nprompts: [{{items: [a]}}]\n")
    return load(path, SuiteSpec)


def test_a_misspelt_plugin_is_placed_in_its_file(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, "generators: [{use: echo}]\nscorers:\n  - use: lenght")
    with pytest.raises(PluginError, match="did you mean 'length'") as caught:
        bind("scorers", suite.scorers[0], tmp_path)
    assert caught.value.where == f"{tmp_path}/suite.yaml:6"


def test_each_option_that_does_not_fit_is_placed_in_its_file(tmp_path: Path) -> None:
    options = "\n    options:\n      time: 2\n      times: many\n"
    suite = suite_of(tmp_path, f"generators:\n  - use: echo{options}scorers: [{{use: length}}]")
    with pytest.raises(SpecError) as caught:
        bind("generators", suite.generators[0], tmp_path)
    assert f"{tmp_path}/suite.yaml:7: options.time: there is no such" in caught.value.where
    assert f"{tmp_path}/suite.yaml:8: options.times: " in caught.value.where


def test_where_a_plugin_is_written_is_no_part_of_what_it_is(tmp_path: Path) -> None:
    first = suite_of(tmp_path, "generators: [{use: echo}]\nscorers: [{use: length}]")
    second = suite_of(tmp_path, "\ngenerators: [{use: echo}]\n\nscorers: [{use: length}]")
    assert first == second
    assert digest(first) == digest(second)


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


def test_options_that_do_not_go_together_are_no_value_error() -> None:
    with pytest.raises(SpecError) as caught:
        bound("generators", "files", manifest="rows.jsonl")
    assert caught.value.where == "options: name either `file` (texts) or `images`"


def test_what_options_say_of_each_other_is_told_in_their_own_words() -> None:
    options = {"base_url": "http://example.com/v1", "model": "m"}
    with pytest.raises(SpecError) as caught:
        bound("generators", "endpoint", **options)
    assert caught.value.where.startswith("options: http without TLS is for hosts")


@pytest.mark.parametrize("key", ["encoder", "classes"])
def test_an_encoders_option_that_does_not_fit_is_placed_at_the_scorers_option(
    key: str, tmp_path: Path
) -> None:
    good, bad = "{model: digits-features}", "{model: digits-features, layers: probabilities}"
    other = "" if key == "encoder" else f"\n      encoder: {{options: {good}}}"
    bad = bad if key == "encoder" else bad.replace("layers:", "pool: 1, layer:")
    suite = suite_of(
        tmp_path,
        f"generators: [{{use: echo}}]\nscorers:\n  - use: fidelity\n    options:\n"
        f"      reference: digits-heldout{other}\n      {key}: {{options: {bad}}}",
    )
    with pytest.raises(SpecError) as caught:
        bind("scorers", suite.scorers[0], tmp_path)
    line = 9 if key == "encoder" else 10
    wrong = "layers" if key == "encoder" else "pool"
    assert caught.value.where.startswith(f"{tmp_path}/suite.yaml:{line}: options.{wrong}: ")
    assert f"the options of 'fidelity.{key}' do not fit 'vision'" in str(caught.value)


@pytest.mark.parametrize("given", [{}, {"allow_code": False}])
def test_code_that_is_not_allowed_says_why_and_what_to_write(given: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as error:
        bound("generators", "python", call="answer:reply", **given)
    (line,) = [x for x in error.value.where.splitlines() if "options.allow_code" in x]
    assert "whoever runs this suite runs this code" in line
    assert line.endswith("write `allow_code: true`")


def test_a_missing_option_of_many_values_has_no_value_suggested() -> None:
    with pytest.raises(SpecError) as error:
        bound("generators", "command", allow_code=True, argv=["a"])
    assert error.value.where == "options.files: Field required"
