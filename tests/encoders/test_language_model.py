"""Models are found by name, known by digest, opened from safe formats, and run no code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness.digests import of_file
from harness.encoders.language_model import LanguageModel, find, precision
from harness.errors import AssetError, SpecError
from tests.encoders import tiny_gguf
from tests.generators.tiny_model import save, tiny

REVISION = "0123456789abcdef0123456789abcdef01234567"
CANARY = "from pathlib import Path\nPath({place!r}).write_text('run')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "model", tiny(1, vocabulary=12, window=64))


def opened(folder: Path) -> LanguageModel:
    return LanguageModel(find(str(folder), None), "float32", "cpu")


def test_a_folder_is_known_by_the_digest_of_each_file(folder: Path) -> None:
    source = find(str(folder), None)
    assert source.weights["model.safetensors"] == of_file(folder / "model.safetensors")
    assert {"config.json", "tokenizer.json"} <= source.weights.keys()
    assert source.folder() == folder
    assert source.assets == ()
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert find(str(folder), None).weights != source.weights


def test_an_asset_is_known_by_the_catalogue() -> None:
    source = find("smollm2-135m-instruct", None)
    assert list(source.weights) == ["model.gguf"]
    assert source.assets == ("smollm2-135m-instruct",)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.ckpt", "m.pkl"])
def test_a_folder_of_pickled_weights_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04.")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(AssetError, match=f"only pickled weights \\({name}\\)"):
        find(str(tmp_path), None)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="holds no weights"):
        find(str(tmp_path), None)


def test_safetensors_are_read_where_a_pickle_lies_beside_them(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"no pickle at all")
    with opened(folder) as model:
        assert model.model.config.vocab_size == 12


@pytest.mark.parametrize("revision", [None, "main", "v1.0", REVISION[:12], REVISION.upper()])
def test_a_hub_id_needs_a_pinned_revision(revision: str | None) -> None:
    with pytest.raises(SpecError, match="needs a pinned revision"):
        find("owner/model", revision)


def test_a_hub_id_is_known_by_its_revision_and_never_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    source = find("owner/model", REVISION)
    assert source.weights == {"owner/model@revision": REVISION}
    with pytest.raises(AssetError, match="is not in the hub's cache"):
        source.folder()


def test_a_hub_snapshot_is_opened_from_plain_files_without_its_pickles(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_root: Path
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    place = tmp_path / "hub" / "models--owner--model"
    snapshot = place / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    (place / "blobs").mkdir()
    for path in folder.iterdir():
        (place / "blobs" / path.name).write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(Path("../../blobs") / path.name)
    (snapshot / "pytorch_model.bin").write_bytes(b"\x80\x04.")

    plain = find("owner/model", REVISION).folder()
    assert plain.is_relative_to(cache_root)
    assert {path.name for path in plain.iterdir()} == {path.name for path in folder.iterdir()}
    assert not any(path.is_symlink() for path in plain.iterdir())
    with LanguageModel(find("owner/model", REVISION), "float32", "cpu") as model:
        assert model.window == 64


def test_a_name_that_is_nothing_says_what_it_could_be() -> None:
    with pytest.raises(SpecError, match="smollm2-135m-instruct"):
        find("no such model", None)


def with_code(folder: Path, model_type: str) -> Path:
    """A model whose folder asks for its own code to be run."""
    place = folder / "canary.txt"
    (folder / "own_code.py").write_text(CANARY.format(place=str(place)))
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": model_type,
        "auto_map": {
            "AutoConfig": "own_code.OwnConfig",
            "AutoModelForCausalLM": "own_code.OwnModel",
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    told = json.loads((folder / "tokenizer_config.json").read_text())
    told["auto_map"] = {"AutoTokenizer": ["own_code.OwnTokenizer", None]}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return place


def test_code_beside_a_known_architecture_never_runs(folder: Path) -> None:
    canary = with_code(folder, "llama")
    with opened(folder) as model:
        assert type(model.model).__name__ == "LlamaForCausalLM"
    assert not canary.exists()


def test_a_model_that_is_only_code_is_an_error_and_never_runs(folder: Path) -> None:
    canary = with_code(folder, "owntype")
    with pytest.raises(AssetError, match="code that comes with a model is never run"):
        opened(folder).__enter__()
    assert not canary.exists()


def test_the_window_is_the_models_and_the_edge_begins_or_ends_a_text(folder: Path) -> None:
    with opened(folder) as model:
        assert (model.window, model.edge) == (64, model.tokenizer.eos_token_id)
        model.tokenizer.bos_token = "w3"
        assert model.edge == 3
        model.tokenizer.bos_token = model.tokenizer.eos_token = None
        assert model.edge is None


def test_leaving_lets_the_weights_go(folder: Path) -> None:
    with opened(folder) as model:
        assert model.model.dtype == torch.float32
    assert model.model is None


def test_precision_is_what_was_asked_or_what_the_machine_computes_in() -> None:
    assert precision("float16") == "float16"
    assert precision("auto") in {"float32", "bfloat16", "float16"}


@pytest.fixture
def packed(tmp_path: Path, cache_root: Path) -> Path:
    (tmp_path / "packed").mkdir()
    tiny_gguf.write(tmp_path / "packed" / "model.gguf")
    return tmp_path / "packed"


def converted(cache_root: Path) -> list[Path]:
    return sorted((cache_root / "converted").iterdir())


def test_a_gguf_file_is_converted_once_and_in_silence(
    packed: Path, cache_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(packed) as model:
        first = model.model.state_dict()["model.embed_tokens.weight"].clone()
        assert model.tokenizer.decode(model.tokenizer("the")["input_ids"]) == "the"
    (place,) = converted(cache_root)
    written = (place / "model.safetensors").stat()
    with opened(packed) as model:
        assert torch.equal(model.model.state_dict()["model.embed_tokens.weight"], first)
    assert converted(cache_root) == [place]
    assert (place / "model.safetensors").stat().st_mtime_ns == written.st_mtime_ns
    assert capfd.readouterr().err == ""


def test_another_gguf_file_is_another_conversion(packed: Path, cache_root: Path) -> None:
    with opened(packed):
        pass
    tiny_gguf.write(packed / "model.gguf", seed=1)
    with opened(packed):
        pass
    assert len(converted(cache_root)) == 2


def test_a_conversion_that_fails_leaves_nothing(packed: Path, cache_root: Path) -> None:
    data = (packed / "model.gguf").read_bytes()
    (packed / "model.gguf").write_bytes(data[: len(data) // 2])
    with pytest.raises(AssetError, match="cannot be opened"):
        opened(packed).__enter__()
    assert not (cache_root / "converted").exists() or converted(cache_root) == []


RACE = """
import sys
from pathlib import Path
from harness.encoders import language_model as room
write = room._convert
def slow(folder, name, target):
    write(folder, name, target)
    print("written", flush=True)
    sys.stdin.readline()
room._convert = slow
with room.LanguageModel(room.find(sys.argv[1], None), "float32", "cpu") as model:
    print(model.model.config.vocab_size, flush=True)
"""


def test_two_processes_may_convert_at_once(packed: Path, cache_root: Path) -> None:
    """Both have written their copy before either puts it in place."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(packed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "written\n"
    told = [racer.communicate("go\n") for racer in racers]
    assert [(out, err) for out, err in told] == [(f"{len(tiny_gguf.WORDS)}\n", "")] * 2
    assert len(converted(cache_root)) == 1
