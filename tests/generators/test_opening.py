"""A pipeline is opened from safe files, runs nobody's code, and each weight is a file's."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.digests import of_tree
from harness.errors import AssetError
from harness.generators.diffusers import Diffusers
from harness.generators.opening import load, quiet
from harness.generators.pipelines import TRUSTED, find, read
from tests.generators.tiny_pipelines import case, opened, pixels

UNET = "unet/diffusion_pytorch_model.safetensors"
CANARY = "from pathlib import Path\nPath({place!r}).write_text('run')\n"


@pytest.fixture
def folder(of_text: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(of_text, tmp_path / "copy"))


def rewrite(folder: Path, name: str = "model_index.json", **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refusal(folder: Path) -> str:
    with pytest.raises(AssetError) as caught:
        opened(folder).__enter__()
    return str(caught.value)


class Malice:
    """Writes a canary file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return (Path.write_text, (self.place, "run"))


def to_pickle(folder: Path, content: object = None) -> Path:
    """Put a pickle in the place of the model's safetensors."""
    weights, file = load_file(folder / UNET), folder / "unet" / "diffusion_pytorch_model.bin"
    (folder / UNET).unlink()
    if content is None:
        torch.save(weights, file)
    else:
        file.write_bytes(pickle.dumps(content))
    return file


def test_pickled_tensors_are_read_when_trusted_and_pinned(folder: Path, of_text: Path) -> None:
    to_pickle(folder)
    with pytest.raises(AssetError, match="needs a pinned sha256") as caught:
        opened(folder, allow_pickle=True)
    digest = of_tree(find(str(folder), None, TRUSTED).weights)
    assert digest in str(caught.value)
    with opened(folder, allow_pickle=True, sha256=digest) as generator:
        drawn = pixels(generator.generate([case("a", steps=2)])[0])
    with opened(of_text) as generator:
        assert (drawn == pixels(generator.generate([case("a", steps=2)])[0])).all()
    (folder / "scheduler" / "spare.json").write_text("{}")
    with pytest.raises(AssetError, match="not"):
        opened(folder, allow_pickle=True, sha256=digest)


def test_a_pickle_that_is_more_than_tensors_never_runs(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    file = to_pickle(folder, Malice(canary))
    with pytest.raises(AssetError, match="only pickled weights"):
        opened(folder)
    digest = of_tree(find(str(folder), None, TRUSTED).weights)
    with pytest.raises(AssetError, match="cannot be opened"):
        opened(folder, allow_pickle=True, sha256=digest).__enter__()
    assert not canary.exists()
    pickle.loads(file.read_bytes())  # noqa: S301 - written above
    assert canary.exists(), "the pickle would have run"


def test_code_beside_a_pipeline_never_runs(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    code = CANARY.format(place=str(canary))
    for place in (
        folder / "pipeline.py",
        folder / "unet" / "own_code.py",
        folder / "own_code.py",
    ):
        place.write_text(code)
    with opened(folder) as generator:
        generator.generate([case("a", steps=1)])
    rewrite(folder, unet=["own_code", "OwnUNet"])
    assert "'unet' is code of 'own_code'" in refusal(folder)
    assert not canary.exists()


def test_a_module_that_only_the_index_names_is_not_imported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    canary = tmp_path / "canary.txt"
    (tmp_path / "installed_elsewhere.py").write_text(CANARY.format(place=str(canary)))
    rewrite(folder, vae=["installed_elsewhere", "Vae"])
    assert "code of 'installed_elsewhere'" in refusal(folder)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("StableDiffusionImg2ImgPipeline", "does not draw a picture from a text alone"),
        ("StableDiffusionInpaintPipeline", "does not draw a picture from a text alone"),
        ("TextToVideoSDPipeline", "does not draw a picture from a text alone"),
        ("NoSuchPipeline", "no attribute NoSuchPipeline"),
        ("UNet2DModel", "does not draw a picture from a text alone"),
    ],
)
def test_what_draws_no_picture_from_a_text_is_refused(
    folder: Path, kind: str, said: str
) -> None:
    rewrite(folder, _class_name=kind)
    assert said in refusal(folder)


@pytest.mark.parametrize("part", [UNET, "text_encoder/model.safetensors"])
def test_a_model_that_lacks_a_weight_is_refused(folder: Path, part: str) -> None:
    weights = load_file(folder / part)
    weights.pop(sorted(weights)[0])
    save_file(weights, folder / part, metadata={"format": "pt"})
    assert f"{part.partition('/')[0]!r} lacks " in refusal(folder)


@pytest.mark.parametrize("part", [UNET, "text_encoder/model.safetensors", "unet/config.json"])
def test_a_file_cut_short_or_gone_is_an_error(folder: Path, part: str) -> None:
    data = (folder / part).read_bytes()
    (folder / part).write_bytes(data[: len(data) // 2])
    assert "cannot be opened" in refusal(folder)
    (folder / part).unlink()
    assert "cannot be opened" in refusal(folder)


def test_opening_and_drawing_say_nothing(
    of_text: Path, of_noise: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in (of_text, of_noise):
        with opened(folder) as generator:
            generator.generate(
                [case("more words than the window of the reader holds " * 3, steps=1)]
            )
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")


def test_quiet_gives_the_libraries_their_voice_back() -> None:
    from diffusers.utils import logging

    logging.set_verbosity_info()
    with quiet():
        assert logging.get_verbosity() > logging.WARNING
    assert logging.get_verbosity() == logging.INFO
    logging.set_verbosity_warning()
    assert logging.is_progress_bar_enabled()


def test_numbers_are_as_asked_and_float32_on_a_cpu(of_noise: Path) -> None:
    assert load(of_noise, read(of_noise), "auto", "cpu").unet.dtype == torch.float32
    with Diffusers(
        Diffusers.Options(model=str(of_noise), dtype="bfloat16", device="cpu")
    ) as low:
        assert pixels(low.generate([case("", steps=2)])[0]).shape == (8, 8, 3)
