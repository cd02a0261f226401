"""Pipelines of diffusers with random weights: real classes, saved as usual, and small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from harness.generators.diffusers import Diffusers
from harness.generators.opening import quiet
from harness.records import Case, Failure, Generated, Image, Prompt

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WINDOW = 16


def text_pipeline(
    folder: Path,
    change: Callable[[Any], None] = lambda pipe: None,
    guard: Any = None,
    **of_unet: Any,
) -> Path:
    """Save a StableDiffusionPipeline: 32x32 RGB, latents 8x8x1."""
    with quiet():
        import diffusers
        from transformers import CLIPTextConfig, CLIPTextModel

        torch.manual_seed(1)
        begin, end = 2 * len(LETTERS), 2 * len(LETTERS) + 1
        reader = CLIPTextConfig(
            vocab_size=end + 1, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, max_position_embeddings=WINDOW,
            bos_token_id=begin, eos_token_id=end, pad_token_id=end,
        )  # fmt: skip
        unet = diffusers.UNet2DConditionModel(**{
            "sample_size": 8, "in_channels": 1, "out_channels": 1, "layers_per_block": 1,
            "block_out_channels": (8, 16), "cross_attention_dim": 16, "norm_num_groups": 4,
            "attention_head_dim": 4,
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"), **of_unet,
        })  # fmt: skip
        vae = diffusers.AutoencoderKL(
            latent_channels=1, block_out_channels=(8, 8, 8), norm_num_groups=4, sample_size=32,
            down_block_types=("DownEncoderBlock2D",) * 3,
            up_block_types=("UpDecoderBlock2D",) * 3,
        )  # fmt: skip
        # Random decoders paint nearly grey; a stronger last layer makes pictures differ.
        vae.decoder.conv_out.weight.data *= 4
        scheduler = diffusers.DDIMScheduler(
            beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012,
            clip_sample=False, set_alpha_to_one=False, steps_offset=1,
        )  # fmt: skip
        pipe = diffusers.StableDiffusionPipeline(
            vae, CLIPTextModel(reader), _tokenizer(folder.with_name(f"{folder.name}-words")),
            unet, scheduler, *(guard or (None, None)), requires_safety_checker=bool(guard),
        )  # fmt: skip
        change(pipe)
        pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def noise_pipeline(
    folder: Path, change: Callable[[Any], None] = lambda pipe: None, **of_unet: Any
) -> Path:
    """Save a DDPMPipeline of pixels, 8x8 RGB unless told otherwise."""
    with quiet():
        import diffusers

        torch.manual_seed(2)
        unet = diffusers.UNet2DModel(**{
            "sample_size": 8, "in_channels": 3, "out_channels": 3, "layers_per_block": 1,
            "block_out_channels": (8, 16), "norm_num_groups": 4, "attention_head_dim": 4,
            "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
            "up_block_types": ("AttnUpBlock2D", "UpBlock2D"), **of_unet,
        })  # fmt: skip
        pipe = diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler())
        change(pipe)
        pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def guard(threshold: float) -> tuple[Any, Any]:
    """A safety checker that flags a picture whose cosine to anything exceeds a threshold."""
    with quiet():
        from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
        from transformers import CLIPConfig, CLIPImageProcessor

        small = {
            "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2,
        }  # fmt: skip
        seen = {**small, "image_size": 32, "patch_size": 8}
        config = CLIPConfig(vision_config=seen, text_config=small, projection_dim=8)
        checker = StableDiffusionSafetyChecker(config)
        checker.concept_embeds_weights.data.fill_(threshold)
        side = {"height": 32, "width": 32}
        return checker, CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=side)


def opened(folder: Path | str, **options: Any) -> Diffusers:
    return Diffusers(Diffusers.Options(model=str(folder), device="cpu", **options))


def case(text: str, seed: int = 7, *, system: str | None = None, **params: Any) -> Case:
    prompt = Prompt(prompt_id=text, text=text, system=system)
    return Case(
        case_id=f"{text}-{seed}", generator="g", strategy="s", params=params,
        prompt=prompt, repeat=0, seed=seed,
    )  # fmt: skip


def pixels(answer: Generated | Failure) -> Any:
    """The bytes of a picture, as int64, which subtract without wrapping."""
    assert isinstance(answer, Generated), answer
    assert isinstance(answer.media, Image)
    return answer.media.pixels.astype("int64")


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True)
    words = [
        *LETTERS,
        *(f"{letter}</w>" for letter in LETTERS),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=WINDOW
    )
