"""Pipelines are found by name, known by digest, and read without being loaded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.assets import catalogue
from harness.assets.catalogue import Asset, PathSource
from harness.digests import of_file
from harness.errors import AssetError, SpecError
from harness.generators.opening import load
from harness.generators.pipelines import TRUSTED, find, place, read
from tests.generators.tiny_pipelines import case, opened, pixels

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(of_text: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(of_text, tmp_path / "copy"))


def rewrite(folder: Path, **changes: Any) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_index_says_what_a_pipeline_is(of_text: Path, of_noise: Path) -> None:
    text, noise = read(of_text), read(of_noise)
    assert (text.pipeline, text.textual, text.scheduler) == (
        "StableDiffusionPipeline", True, "DDIMScheduler",
    )  # fmt: skip
    assert (noise.textual, noise.scheduler, noise.train_steps) == (False, "DDPMScheduler", 1000)
    assert "safety_checker" not in text.components


def test_finding_and_reading_import_no_library(of_text: Path) -> None:
    code = (
        "import sys; from harness.generators.diffusers import Diffusers;"
        "made = Diffusers(Diffusers.Options(model=sys.argv[1]));"
        "made.check({'steps': 5, 'guidance': 2.0});"
        "sys.exit(str([m for m in ('torch', 'diffusers', 'transformers') if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(of_text)], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (["pipeline", "Own"], "code of its own"),
        (None, "names no pipeline"),
        (3, "code of its own"),
    ],
)
def test_a_pipeline_that_is_code_is_refused(folder: Path, kind: Any, said: str) -> None:
    rewrite(folder, _class_name=kind)
    with pytest.raises(AssetError, match=said):
        find(str(folder), None)


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff"])
def test_a_broken_index_is_an_error(folder: Path, content: str) -> None:
    (folder / "model_index.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(AssetError, match=r"model_index\.json"):
        find(str(folder), None)


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"holds no model_index\.json"):
        find(str(tmp_path), None)
    (tmp_path / "model_index.json").write_text('{"_class_name": "DDPMPipeline"}')
    with pytest.raises(AssetError, match="holds no weights"):
        find(str(tmp_path), None)


def test_pickled_weights_are_refused_unless_safe_ones_lie_beside_them(folder: Path) -> None:
    part = folder / "unet"
    (part / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04.")
    (folder / "whole.ckpt").write_bytes(b"\x80\x04.")
    assert not any(name.endswith((".bin", ".ckpt")) for name in find(str(folder), None).weights)
    assert "whole.ckpt" in find(str(folder), None, TRUSTED).weights
    (part / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(AssetError, match=r"'unet' .* only pickled weights \(diffusion_pyt"):
        find(str(folder), None)
    trusted = find(str(folder), None, TRUSTED).weights
    assert "unet/diffusion_pytorch_model.bin" in trusted


def test_hidden_files_are_not_the_pipelines(folder: Path) -> None:
    before = find(str(folder), None).weights
    (folder / ".git").mkdir()
    (folder / ".git" / "config.json").write_text("{}")
    assert find(str(folder), None).weights == before


@pytest.mark.parametrize(
    ("file", "told"), [("safety_checker/x.json", "present"), ("x", "none")]
)
def test_an_asset_is_known_by_the_catalogue_and_drawn_with_where_it_lies(
    of_text: Path, monkeypatch: pytest.MonkeyPatch, file: str, told: str
) -> None:
    files = find(str(of_text), None).weights
    size = sum((of_text / name).stat().st_size for name in files)
    asset = Asset(
        name="drawn", description="", licence="MIT", size_bytes=size, files=files,
        source=PathSource(of_text),
    )  # fmt: skip
    monkeypatch.setitem(catalogue.ASSETS, "drawn", asset)
    with opened("drawn") as generator:
        assert generator.assets == ("drawn",)
        assert pixels(generator.generate([case("a", steps=1)])[0]).shape == (32, 32, 3)
    absent = replace(asset, files={file: "0" * 64}, source=PathSource(of_text / "nowhere"))
    monkeypatch.setitem(catalogue.ASSETS, "drawn", absent)
    generator = opened("drawn")
    assert generator.weights == {file: "0" * 64, "safety_checker": told}
    generator.check({"steps": 3})
    with pytest.raises(AssetError, match="is absent"):
        generator.__enter__()


def test_a_hub_name_needs_a_pinned_revision() -> None:
    for revision in (None, "main", REVISION[:12]):
        with pytest.raises(SpecError, match="needs a pinned revision"):
            find("owner/pipeline", revision)


def test_a_hub_snapshot_is_opened_from_plain_files_and_one_fetched_in_part_may_grow(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_root: Path
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    source = find("owner/pipeline", REVISION)
    assert source.weights == {"owner/pipeline@revision": REVISION}
    with pytest.raises(AssetError, match="is not in the hub's cache"):
        place(source)
    snapshot = tmp_path / "hub" / "models--owner--pipeline" / "snapshots" / REVISION
    blobs = snapshot.parents[1] / "blobs"
    blobs.mkdir(parents=True)

    def fetch(path: Path) -> None:
        blob, link = blobs / of_file(path), snapshot / path.relative_to(folder)
        shutil.copyfile(path, blob)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)

    fetch(folder / "model_index.json")
    part = place(source)
    with pytest.raises(AssetError, match="cannot be opened"):
        load(part, read(part), "float32", "cpu")
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "model_index.json":
            fetch(path)
    (snapshot / "unet" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    plain = place(source)
    assert plain.is_relative_to(cache_root)
    assert place(source) == plain
    assert not any(path.is_symlink() for path in plain.rglob("*"))
    assert {p.relative_to(plain) for p in plain.rglob("*")} == {
        p.relative_to(folder) for p in folder.rglob("*")
    }
    assert load(plain, read(plain), "float32", "cpu").unet.config.sample_size == 8
