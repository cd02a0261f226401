"""`digits-diffusion`: a latent text-to-image diffusion pipeline of handwritten digits.

An autoencoder turns 32 x 32 pixels into 8 x 8 latents; a U-Net, told what to
draw by the text tower of `digits-clip`, takes the noise out of them. The parts
and the pipeline are the ones of Stable Diffusion, so whatever runs that runs this.

Source: Rombach et al., High-Resolution Image Synthesis with Latent Diffusion
Models (2022); Ho and Salimans, Classifier-Free Diffusion Guidance (2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.assets.digits.augment import shaken
from harness.assets.digits.features import normalised
from harness.assets.digits.pictures import TEMPLATES, WORDS, Digits, batches
from harness.assets.digits.tokens import tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

AUTOENCODER_STEPS = 1_500
STEPS = 4_000
_BATCH = 64
_LEARNING_RATE = 1e-3
_KEPT = 0.999
"""Of the exponential average of the weights, at each step."""
_UNTOLD = 0.1
"""Share of pictures drawn without being told what they are."""
_SHAKEN = 0.5
"""Share of the largest shifts and turns: a generator learns them, so they stay small."""
_DIVERGENCE = 1e-4


def train_autoencoder(digits: Digits, seed: int, tell: Callable[[int, int], None]) -> Any:
    """Train the autoencoder: absolute error and a little Kullback-Leibler divergence.

    Args:
        digits: What to learn from.
        seed: Of the first weights, the order, the shaking and the latents' noise.
        tell: Called with the steps done and their number.
    """
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(seed)
    stages = 3
    net = AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=1, norm_num_groups=8,
        block_out_channels=(8, 16, 32), layers_per_block=1, sample_size=32,
        down_block_types=("DownEncoderBlock2D",) * stages,
        up_block_types=("UpDecoderBlock2D",) * stages,
    )  # fmt: skip
    optimiser = torch.optim.AdamW(net.parameters(), lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, AUTOENCODER_STEPS)
    pictures, random = torch.from_numpy(digits.pictures), torch.Generator().manual_seed(seed)
    net.train()
    for step, rows in enumerate(batches(len(pictures), _BATCH, AUTOENCODER_STEPS, seed)):
        wanted = normalised(shaken(pictures[rows], random))
        latents = net.encode(wanted).latent_dist
        found = net.decode(latents.sample(generator=random)).sample
        loss = (found - wanted).abs().mean() + _DIVERGENCE * latents.kl().mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        tell(step + 1, AUTOENCODER_STEPS)
    net.eval()
    with torch.inference_mode():
        spread = float(net.encode(normalised(pictures.float())).latent_dist.mean.std())
    net.register_to_config(scaling_factor=1.0 / spread)
    return net


def train(
    digits: Digits, autoencoder: Any, clip: Any, seed: int, tell: Callable[[int, int], None]
) -> Any:
    """Train the U-Net to tell the noise in a latent; return the whole pipeline.

    Args:
        digits: What to learn from.
        autoencoder: What `train_autoencoder` made.
        clip: The towers of `digits-clip`, whose text tower stays as it is.
        seed: Of the first weights, the order, the captions, the noise and its amounts.
        tell: Called with the steps done and their number.
    """
    import torch

    torch.manual_seed(seed)
    pipeline = _pipeline(autoencoder, clip)
    net, scheduler, random = (
        pipeline.unet,
        pipeline.scheduler,
        torch.Generator().manual_seed(seed),
    )
    average = torch.optim.swa_utils.AveragedModel(
        net,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(_KEPT),  # type: ignore[no-untyped-call]
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=_LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _LEARNING_RATE, STEPS, pct_start=0.05
    )
    told, untold = _told(pipeline)
    net.train()
    for step, rows in enumerate(batches(len(digits.labels), _BATCH, STEPS, seed)):
        latents = _latents(pipeline.vae, torch.from_numpy(digits.pictures[rows]), random)
        noise = torch.randn(latents.shape, generator=random)
        times = torch.randint(scheduler.config.num_train_timesteps, (_BATCH,), generator=random)
        words = _drawn(told, torch.from_numpy(digits.labels[rows]), untold, random)
        noisy = scheduler.add_noise(latents, noise, times)
        loss = torch.nn.functional.mse_loss(net(noisy, times, words).sample, noise)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(net)
        tell(step + 1, STEPS)
    net.load_state_dict(average.module.state_dict())
    net.eval()
    return pipeline


def quality(pipeline: Any, classifier: Any, seed: int) -> dict[str, float]:
    """Measure how often the classifier reads the digit that was asked for, in 200 drawings."""
    import numpy as np
    import torch

    labels = [label for label in range(len(WORDS)) for _ in range(20)]
    pipeline.set_progress_bar_config(disable=True)
    drawn = pipeline(
        [TEMPLATES[0].format(WORDS[label]) for label in labels],
        num_inference_steps=50, guidance_scale=2.0, output_type="np",
        generator=torch.Generator().manual_seed(seed),
    ).images  # fmt: skip
    grey = torch.from_numpy(np.asarray(drawn).mean(axis=3) * 255.0)
    with torch.inference_mode():
        found = classifier(normalised(grey)).logits.argmax(1)
    return {"asked_digit_read": float((found.numpy() == np.array(labels)).mean())}


def save(pipeline: Any, folder: Path) -> None:
    """Write the pipeline in the layout of diffusers; what is trained here in half precision."""
    pipeline.unet.half()
    pipeline.vae.half()
    pipeline.save_pretrained(folder, safe_serialization=True)


def _pipeline(autoencoder: Any, clip: Any) -> Any:
    from diffusers import DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    text = CLIPTextModel(clip.config.text_config)
    text.load_state_dict(clip.text_model.state_dict())
    net = UNet2DConditionModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1,
        block_out_channels=(48, 96), norm_num_groups=16, attention_head_dim=4,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=clip.config.text_config.hidden_size,
    )  # fmt: skip
    found = StableDiffusionPipeline(
        vae=autoencoder, text_encoder=text.eval().requires_grad_(requires_grad=False),
        tokenizer=tokenizer(),
        unet=net, scheduler=DDPMScheduler(clip_sample=False, steps_offset=1),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    # Latents have a deviation of 1 and stay within 3.3. At the last steps there is nothing
    # but noise, and the little that is told of the latent must not be blown up. The
    # pipeline turns clipping off in any scheduler it is made with, so it gets this one after.
    clipped = DDPMScheduler(
        beta_schedule="squaredcos_cap_v2", clip_sample=True, clip_sample_range=3.3,
        steps_offset=1,
    )  # fmt: skip
    found.register_modules(scheduler=clipped)
    return found


def _told(pipeline: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode every caption of every digit, [10, captions, tokens, D], and the empty one."""
    import torch

    texts = [
        text.format(name)
        for digit, word in enumerate(WORDS)
        for text in TEMPLATES
        for name in (word, str(digit))
    ]
    ids = pipeline.tokenizer(
        [*texts, ""], padding="max_length", truncation=True, return_tensors="pt"
    )["input_ids"]
    with torch.inference_mode():
        found = pipeline.text_encoder(ids).last_hidden_state.clone()
    return found[:-1].unflatten(0, (len(WORDS), -1)).clone(), found[-1].clone()


def _drawn(
    told: torch.Tensor, labels: torch.Tensor, untold: torch.Tensor, random: torch.Generator
) -> torch.Tensor:
    """Pick one caption for each label, and none at all for some."""
    import torch

    which = torch.randint(told.shape[1], labels.shape, generator=random)
    words = told[labels, which]
    silent = torch.rand(labels.shape, generator=random) < _UNTOLD
    return torch.where(silent[:, None, None], untold, words)


def _latents(autoencoder: Any, pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    import torch

    with torch.no_grad():
        found = autoencoder.encode(normalised(shaken(pictures, random, _SHAKEN))).latent_dist
        latents: torch.Tensor = found.mean * autoencoder.config.scaling_factor
    return latents
