"""vLLM answers what `transformers` answers; where it is not installed, it says so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from harness.errors import AssetError, HarnessError, PluginError, SpecError
from harness.flow.bind import bind
from harness.generators.vllm import Vllm
from harness.records import Failure, Generated
from harness.spec.suite import PluginSpec
from tests.generators.tiny_model import case, prompts, save, texts, tiny, words
from tests.generators.tiny_model import opened as peer

INSTALLED = find_spec("vllm") is not None
# The build for processors is an engine too: a GPU is not asked for.
engine = [
    pytest.mark.skipif(not INSTALLED, reason="vLLM is not installed"),
    # Deprecations and open sockets inside vLLM and what it imports.
    pytest.mark.filterwarnings("default"),
]
with_engine = pytest.mark.usefixtures("room")
SIZE = 24
PROMPT = words([5, 9, 5, 12, 9, 7, 5])


def marked(test: Callable[..., None]) -> Callable[..., None]:
    for mark in (*engine, with_engine):
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def room() -> Iterator[None]:
    """Let the cache of a build for processors be small; GPUs do not read this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = tiny(21, vocabulary=SIZE, window=64).config
    # vLLM's attention has kernels for a few sizes of heads only.
    config.head_dim = 32
    torch.manual_seed(21)
    model = LlamaForCausalLM(config).float().eval()
    model.generation_config.eos_token_id = [1, 6, 7]
    return save(tmp_path_factory.mktemp("tiny"), model)


def unopened(model: Path | str, **options: Any) -> Vllm:
    chosen = {"dtype": "float32", "eager": True, "memory": 0.5, **options}
    return Vllm(Vllm.Options(model=str(model), **chosen))


@pytest.fixture(scope="module")
def small(folder: Path, room: None) -> Iterator[Vllm]:
    with unopened(folder, max_new_tokens=12) as generator:
        yield generator


@pytest.mark.skipif(INSTALLED, reason="vLLM is installed")
def test_without_vllm_the_extra_to_install_is_named(folder: Path) -> None:
    spec = PluginSpec(use="vllm", name="model", options={"model": str(folder)})
    with pytest.raises(PluginError, match="vLLM, which is not installed") as planned:
        bind("generators", spec, folder)
    with pytest.raises(PluginError) as opened, unopened(folder):
        pass
    assert planned.value.fix == opened.value.fix == "pip install 'harness[vllm]'"


def test_its_weights_are_those_of_transformers(folder: Path) -> None:
    generator = unopened(folder)
    assert generator.weights == peer(folder).weights
    assert "model.safetensors" in generator.weights
    assert generator.folder == folder
    assert not generator.assets


def test_a_hub_model_needs_a_pinned_revision() -> None:
    with pytest.raises(SpecError, match="needs a pinned revision"):
        unopened("owner/model")
    pinned = unopened("owner/model", revision="a" * 40)
    assert pinned.weights == {"owner/model@revision": "a" * 40}


def test_a_pickled_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(AssetError, match="only pickled weights"):
        unopened(tmp_path)


def test_parameters_that_vllm_lacks_are_refused_when_planning(folder: Path) -> None:
    with pytest.raises(SpecError, match="vLLM does not have length_penalty, num_beams"):
        unopened(folder).check({"num_beams": 4, "length_penalty": 2.0})
    unopened(folder).check({"do_sample": True, "top_p": 0.9, "temperature": 0.7})


@marked
def test_its_build_and_dtype_are_in_the_fingerprint(folder: Path) -> None:
    def bound(**options: Any) -> Any:
        options["model"] = str(folder)
        return bind("generators", PluginSpec(use="vllm", name="m", options=options), folder)

    packages = bound().identity["packages"]
    assert len(packages) == 3
    assert {"torch", "transformers"} < set(packages)
    assert bound().fingerprint == bound().fingerprint
    assert bound().fingerprint != bound(dtype="float32").fingerprint


@marked
@pytest.mark.parametrize("params", [{}, {"repetition_penalty": 1.8}], ids=str)
def test_the_likeliest_tokens_are_those_of_transformers(
    folder: Path, small: Vllm, params: dict[str, Any]
) -> None:
    asked = [case(words(row), **params) for row in prompts(5, [2, 31, 9, 14, 40] * 4, SIZE)]
    answers = small.generate([*asked, case("", **params)])
    with peer(folder, max_new_tokens=12) as other:
        due = other.generate([*asked, case("", **params)])
    assert texts(answers) == texts(due)
    said = [(a.finish, a.tokens) for a in answers if isinstance(a, Generated)]
    assert said == [(a.finish, a.tokens) for a in due if isinstance(a, Generated)]
    assert {finish for finish, _ in said} == {"stop", "length"}


@marked
@pytest.mark.parametrize(
    "params",
    [{}, {"top_k": 4}, {"top_p": 0.8, "temperature": 1.5}, {"min_p": 0.1}],
    ids=str,
)
def test_a_sample_depends_on_its_own_seed(small: Vllm, params: dict[str, Any]) -> None:
    asked = [case(PROMPT, seed, do_sample=True, **params) for seed in range(12)]
    asked.append(case(PROMPT, 2**63 - 1, do_sample=True, **params))
    together = texts(small.generate(asked))
    assert len(set(together)) > 6
    assert texts(small.generate(asked[::-1])) == together[::-1]
    assert texts(small.generate(asked[3:4])) == together[3:4]


@marked
def test_tokens_are_drawn_as_often_as_transformers_draws_them(
    folder: Path, small: Vllm
) -> None:
    how: dict[str, Any] = {
        "do_sample": True,
        "max_new_tokens": 1,
        "top_k": 3,
        "temperature": 2.0,
    }
    asked = [case(PROMPT, seed, **how) for seed in range(800)]
    drawn = texts(small.generate(asked))
    with peer(folder) as other:
        due = texts(other.generate(asked))
    assert len(set(drawn)) >= 2
    assert set(drawn) == set(due)
    for word in set(due):
        # Six standard deviations of a difference of two shares of 800.
        assert abs(drawn.count(word) - due.count(word)) < 6 * (800 / 2) ** 0.5


@marked
def test_a_case_that_does_not_fit_fails_alone(small: Vllm) -> None:
    long, short = case(words([3] * 60), max_new_tokens=5), case(PROMPT, max_new_tokens=5)
    told = small.generate([short, long, short])
    assert isinstance(told[1], Failure)
    assert "60 prompt tokens and 5 new ones exceed the model's window of 64" in told[1].reason
    assert told[0] is told[2], "alike cases are decoded once"
    assert isinstance(told[0], Generated)
    assert isinstance(small.generate([long])[0], Failure)
    full = small.generate([case(words([3] * 59), max_new_tokens=5)])
    assert isinstance(full[0], Generated), "just the window is not too long"


@marked
def test_seconds_to_the_first_and_the_last_token_are_told(small: Vllm) -> None:
    (told,) = small.generate([case(PROMPT)])
    assert isinstance(told, Generated)
    assert told.seconds is not None
    assert told.first_token_seconds is not None
    assert 0 < told.first_token_seconds <= told.seconds


@marked
def test_a_system_prompt_comes_first(small: Vllm) -> None:
    joined = texts(small.generate([case("w4 w5 w6 w7")]))
    assert texts(small.generate([case("w6 w7", system="w4 w5")])) == joined


@marked
def test_the_environment_is_left_as_it_was(folder: Path) -> None:
    before = dict(os.environ)
    with unopened(folder, window=32) as generator:
        assert dict(os.environ) == before
        (told,) = generator.generate([case(words([3] * 30), max_new_tokens=5)])
    assert isinstance(told, Failure)
    assert "window of 32" in told.reason


@marked
def test_a_model_with_code_of_its_own_is_refused(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = (tmp_path / "config.json").read_text()
    config = config.replace('"model_type": "llama"', '"model_type": "own"')
    own = '{"auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"},'
    (tmp_path / "config.json").write_text(config.replace("{", own, 1))
    (tmp_path / "own.py").write_text("raise SystemExit('foreign code was run')")
    with pytest.raises(HarnessError, match="vLLM cannot open the model"), unopened(tmp_path):
        pass
