"""Pipelines of other families are drawn with too, and what one would ignore is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.errors import SpecError
from harness.generators.opening import quiet
from harness.records import Case
from tests.generators.tiny_pipelines import case, opened, pixels, text_pipeline


@pytest.fixture(scope="module")
def lcm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A latent consistency model: told the guidance, and drawn with a scheduler of its own."""
    folder = text_pipeline(tmp_path_factory.mktemp("lcm") / "pipeline", time_cond_proj_dim=8)
    index = folder / "model_index.json"
    told = json.loads(index.read_text())
    told |= {
        "_class_name": "LatentConsistencyModelPipeline",
        "scheduler": ["diffusers", "LCMScheduler"],
    }
    index.write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def flux(of_text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformer that matches flows, with two readers."""
    folder = tmp_path_factory.mktemp("flux") / "pipeline"
    with quiet():
        import diffusers
        from transformers import T5Config, T5EncoderModel

        torch.manual_seed(3)
        first = diffusers.StableDiffusionPipeline.from_pretrained(of_text, dtype=torch.float32)
        transformer = diffusers.FluxTransformer2DModel(
            in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16,
            num_attention_heads=2, joint_attention_dim=16, pooled_projection_dim=16,
            guidance_embeds=True, axes_dims_rope=(4, 4, 8),
        )  # fmt: skip
        words = first.tokenizer.vocab_size
        reader = T5EncoderModel(
            T5Config(vocab_size=words, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
        )
        vae = first.vae
        vae.register_to_config(shift_factor=0.0)
        diffusers.FluxPipeline(
            diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
            vae, first.text_encoder, first.tokenizer, reader, first.tokenizer, transformer,
        ).save_pretrained(folder)  # fmt: skip
    return folder


def drawn(folder: Path, asked: list[Case], size: int) -> Any:
    with opened(folder) as generator:
        batches = [asked[i : i + size] for i in range(0, len(asked), size)]
        return np.stack([pixels(one) for batch in batches for one in generator.generate(batch)])


def asked(**params: Any) -> list[Case]:
    return [case(text, seed, **params) for seed, text in enumerate(("a", "b", "two cats"))]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("lcm", {"steps": 4, "scheduler": "lcm", "guidance": 2.0}),
        ("flux", {"steps": 3, "guidance": 2.0, "height": 32, "width": 48}),
    ],
)
def test_neighbours_change_nothing(
    kind: str, params: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind)
    together = drawn(folder, asked(**params), 3)
    assert np.abs(together - drawn(folder, asked(**params), 1)).max() <= 1
    assert np.abs(together[0] - together[1]).max() > 20
    assert together.shape == (3, params.get("height", 32), params.get("width", 32), 3)


@pytest.mark.parametrize(
    ("kind", "params", "ignored"),
    [
        ("lcm", {"negative_prompt": "bad"}, "negative_prompt"),
        ("flux", {"negative_prompt": "bad"}, "negative_prompt"),
    ],
)
def test_what_a_pipeline_would_ignore_is_refused(
    kind: str, params: dict[str, Any], ignored: str, request: pytest.FixtureRequest
) -> None:
    with (
        opened(request.getfixturevalue(kind)) as generator,
        pytest.raises(SpecError, match=f"{ignored} has no effect on "),
    ):
        generator.generate(asked(steps=1, **params))


def test_a_model_of_flows_keeps_its_scheduler(flux: Path) -> None:
    with pytest.raises(SpecError, match="does not fit a model made for FlowMatchEuler"):
        opened(flux).check({"scheduler": "ddim"})
