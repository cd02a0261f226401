"""A pipeline's pictures are diffusers' own, each on its case's noise, and none is broken."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline

from harness.digests import of_file
from harness.errors import AssetError, SpecError
from harness.flow.bind import bind
from harness.generators.diffusers import Diffusers
from harness.generators.opening import quiet
from harness.records import Failure, Generated
from harness.spec.suite import PluginSpec
from tests.generators.tiny_pipelines import (
    case,
    guard,
    noise_pipeline,
    opened,
    pixels,
    text_pipeline,
)

PROMPTS = ("a cat", "b", "two dogs", "")


def theirs(folder: Path, batch: int, **arguments: Any) -> Any:
    """What the pipeline itself draws, as bytes, with the generators of seeds 0, 1, 2 ..."""
    with quiet():
        pipe = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
        pipe.set_progress_bar_config(disable=True)
        noise = [torch.Generator().manual_seed(seed) for seed in range(batch)]
        told = pipe(generator=noise, output_type="pil", **arguments)
    return np.stack([np.asarray(image) for image in told.images]).astype("int64")


def test_a_text_is_drawn_as_the_pipeline_draws_it(of_text: Path) -> None:
    due = theirs(
        of_text, 4, prompt=list(PROMPTS), num_inference_steps=5, guidance_scale=3.0, height=40,
        width=48, negative_prompt=["bad"] * 4, eta=0.5,
    )  # fmt: skip
    how: dict[str, Any] = {
        "steps": 5, "guidance": 3.0, "height": 40, "width": 48, "negative_prompt": "bad",
        "eta": 0.5,
    }  # fmt: skip
    with opened(of_text) as generator:
        drawn = generator.generate([case(t, seed, **how) for seed, t in enumerate(PROMPTS)])
    assert due.shape == (4, 40, 48, 3)
    assert np.array_equal(np.stack([pixels(answer) for answer in drawn]), due)


def test_noise_is_drawn_as_the_pipeline_draws_it(of_noise: Path, tmp_path: Path) -> None:
    shutil.copytree(of_noise, tmp_path / "ddim")
    index = tmp_path / "ddim" / "model_index.json"
    index.write_text(index.read_text().replace("DDPMPipeline", "DDIMPipeline"))
    for folder, params, arguments in (
        (of_noise, {"steps": 6}, {"num_inference_steps": 6}),
        (tmp_path / "ddim", {"steps": 6, "eta": 0.7}, {"num_inference_steps": 6, "eta": 0.7}),
        (tmp_path / "ddim", {}, {}),
    ):
        due = theirs(folder, 3, batch_size=3, **arguments)
        with opened(folder) as generator:
            drawn = generator.generate([case("", seed, **params) for seed in range(3)])
        assert np.array_equal(np.stack([pixels(answer) for answer in drawn]), due)


@pytest.mark.parametrize(
    "params",
    [
        {"scheduler": name, "steps": 4}
        for name in (
            "ddpm",
            "ddim",
            "pndm",
            "euler",
            "euler-ancestral",
            "heun",
            "unipc",
            "dpm-solver++",
            "dpm-solver++-karras",
            "dpm-solver++-sde",
            "dpm-solver++-sde-karras",
        )
    ]
    + [{"eta": 1.0, "scheduler": "ddim", "steps": 4}],
    ids=str,
)
@pytest.mark.parametrize("kind", ["of_text", "of_noise"])
def test_neighbours_change_nothing(
    kind: str, params: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    asked = [case(text, seed, **params) for seed, text in enumerate(PROMPTS)]
    with opened(request.getfixturevalue(kind)) as generator:
        torch.manual_seed(1)
        together = [pixels(answer) for answer in generator.generate(asked)]
        torch.manual_seed(2)
        alone = [pixels(generator.generate([one])[0]) for one in asked]
        turned = [pixels(answer) for answer in generator.generate(asked[::-1])][::-1]
    for place in range(4):
        assert np.abs(together[place] - alone[place]).max() <= 1
        assert np.abs(together[place] - turned[place]).max() <= 1
        assert np.abs(together[place] - together[place - 1]).max() > 20


def test_the_same_batch_twice_gives_the_same_bytes(of_text: Path) -> None:
    asked = [case(t, seed, scheduler="ddpm", steps=3) for seed, t in enumerate(PROMPTS)]
    with opened(of_text) as generator:
        first = [pixels(answer) for answer in generator.generate(asked)]
        generator.generate([case("x", scheduler="pndm", steps=2)])
        again = [pixels(answer) for answer in generator.generate(asked)]
    assert np.array_equal(first, again)


def test_a_text_changes_the_picture(of_text: Path) -> None:
    with opened(of_text) as generator:
        drawn = generator.generate([case("a", steps=2), case("b", steps=2)])
    assert not np.array_equal(pixels(drawn[0]), pixels(drawn[1]))


def test_a_picture_tells_how_long_it_took(of_text: Path) -> None:
    with opened(of_text) as generator:
        (told,) = generator.generate([case("a", steps=1)])
    assert isinstance(told, Generated)
    assert told.finish == "stop"
    assert told.tokens is None
    assert told.seconds is not None
    assert told.seconds > 0


def test_grey_pictures_become_rgb(tmp_path: Path) -> None:
    folder = noise_pipeline(
        tmp_path / "grey", in_channels=1, out_channels=1, sample_size=(8, 16)
    )
    with opened(folder) as generator:
        drawn = pixels(generator.generate([case("", steps=2)])[0])
    assert drawn.shape == (8, 16, 3)
    assert (drawn == drawn[:, :, :1]).all()


def test_a_picture_that_is_not_finite_fails_alone(tmp_path: Path) -> None:
    def poison(pipe: Any) -> None:
        z = pipe.tokenizer("z")["input_ids"][1]
        pipe.text_encoder.get_input_embeddings().weight.data[z] = float("nan")

    asked = [case("a", steps=2), case("z", steps=2), case("b", steps=2)]
    with opened(text_pipeline(tmp_path / "nan", poison)) as generator:
        told = generator.generate(asked)
    assert isinstance(told[1], Failure)
    assert told[1].status == "error"
    assert "not finite" in told[1].reason
    assert isinstance(told[0], Generated)
    assert isinstance(told[2], Generated)


def test_an_infinity_that_clamping_would_hide_is_no_picture(tmp_path: Path) -> None:
    def poison(pipe: Any) -> None:
        part = pipe.vae.decoder if hasattr(pipe, "vae") else pipe.unet
        part.conv_out.bias.data[0] = float("inf")

    for folder in (
        text_pipeline(tmp_path / "text", poison), noise_pipeline(tmp_path / "noise", poison)
    ):  # fmt: skip
        with opened(folder) as generator:
            told = generator.generate([case("a", steps=1), case("b", steps=1)])
        assert all(isinstance(one, Failure) and "not finite" in one.reason for one in told)


def test_a_picture_the_safety_checker_blacks_out_is_a_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(text_pipeline(tmp_path / "strict", guard=guard(-2.0))) as generator:
        assert generator.weights["safety_checker"] == "present"
        told = generator.generate([case("a", steps=1), case("b", steps=1)])
    assert told == [Failure("blocked by the pipeline's safety checker")] * 2
    with opened(text_pipeline(tmp_path / "lax", guard=guard(2.0))) as generator:
        assert pixels(generator.generate([case("a", steps=1)])[0]).any()
    assert capfd.readouterr().err == ""


def test_a_pipeline_without_a_safety_checker_says_so(of_text: Path, of_noise: Path) -> None:
    for folder in (of_text, of_noise):
        assert opened(folder).weights["safety_checker"] == "none"


def test_a_system_prompt_is_unsupported_and_its_neighbours_are_drawn(of_text: Path) -> None:
    asked = [case("a", steps=1, system="draw nicely"), case("b", steps=1)]
    with opened(of_text) as generator:
        told = generator.generate(asked)
        assert [type(one) for one in generator.generate(asked[:1])] == [Failure]
        alone = generator.generate(asked[1:])
    assert told[0] == Failure("a pipeline of diffusers takes no system prompt", "unsupported")
    assert np.array_equal(pixels(told[1]), pixels(alone[0]))


def test_a_side_the_pipeline_cannot_draw_is_refused_before_it_is_loaded(of_text: Path) -> None:
    with pytest.raises(SpecError, match="multiple of 8"):
        opened(of_text).check({"height": 33})


def test_a_parameter_is_checked_against_the_pipelines_own_files(
    of_text: Path, of_noise: Path
) -> None:
    generator = opened(of_noise)
    with pytest.raises(SpecError, match="draws without a text"):
        generator.check({"guidance": 3.0})
    generator.check({"scheduler": "dpm-solver++", "steps": 15})
    opened(of_text).check({"guidance": 3.0, "negative_prompt": "bad", "eta": 1})


def test_what_is_not_on_this_machine_is_checked_by_what_fits_none(cache_root: Path) -> None:
    generator = opened("owner/pipeline", revision="0" * 40)
    generator.check({"guidance": 3.0})
    assert generator.weights["safety_checker"] == "as in the revision"
    with pytest.raises(SpecError, match="did you mean 'guidance'"):
        generator.check({"guidence": 3.0})
    with pytest.raises(AssetError, match="is not in the hub's cache"):
        generator.__enter__()


def test_constructing_is_not_loading_and_weights_name_every_file(of_text: Path) -> None:
    generator = opened(of_text)
    weights = generator.weights
    assert weights["unet/diffusion_pytorch_model.safetensors"] == of_file(
        of_text / "unet" / "diffusion_pytorch_model.safetensors"
    )
    files = {
        path.relative_to(of_text).as_posix() for path in of_text.rglob("*") if path.is_file()
    }
    assert weights.keys() == files | {"safety_checker"}
    assert generator.folder == of_text
    with pytest.raises(RuntimeError, match="enter the generator"):
        generator.generate([case("a")])


def test_any_file_that_changes_makes_another_fingerprint(of_text: Path, tmp_path: Path) -> None:
    spec = PluginSpec(use="diffusers", options={"model": "pipeline"})
    folder = tmp_path / "pipeline"
    shutil.copytree(of_text, folder)
    before = bind("generators", spec, tmp_path).fingerprint
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            kept = path.read_bytes()
            path.write_bytes(kept + b" ")
            assert bind("generators", spec, tmp_path).fingerprint != before, path
            path.write_bytes(kept)
    (folder / "notes.md").write_text("read by nobody")
    assert bind("generators", spec, tmp_path).fingerprint == before


def test_leaving_lets_the_weights_go(of_text: Path) -> None:
    with opened(of_text) as generator:
        pass
    with pytest.raises(RuntimeError, match="enter the generator"):
        generator.generate([case("a")])


def test_a_folder_stands_beside_the_suite(of_text: Path) -> None:
    read = Diffusers.Options.model_validate(
        {"model": of_text.name}, context={"base": of_text.parent}
    )
    assert read.model == str(of_text)
