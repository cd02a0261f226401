"""`digits-features`: a small residual network that names the digit, by 64 features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.assets.digits.augment import shaken
from harness.assets.digits.pictures import SIDE, WORDS, Digits, batches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

STEPS = 1_500
_BATCH = 64
_LEARNING_RATE = 2e-3


def train(digits: Digits, seed: int, tell: Callable[[int, int], None]) -> Any:
    """Train the classifier: cross-entropy on shaken pictures.

    Args:
        digits: What to learn from.
        seed: Of the first weights, the order of pictures and how they are shaken.
        tell: Called with the steps done and their number.
    """
    import torch
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(seed)
    config = ResNetConfig(
        num_channels=3, embedding_size=16, hidden_sizes=[32, 64], depths=[2, 2],
        layer_type="basic", id2label=dict(enumerate(WORDS)),
    )  # fmt: skip
    net = ResNetForImageClassification(config)
    pictures, labels = torch.from_numpy(digits.pictures), torch.from_numpy(digits.labels)
    optimiser = torch.optim.AdamW(net.parameters(), lr=_LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, STEPS)
    random = torch.Generator().manual_seed(seed)
    net.train()
    for step, rows in enumerate(batches(len(labels), _BATCH, STEPS, seed)):
        found = net(normalised(shaken(pictures[rows], random))).logits
        loss = torch.nn.functional.cross_entropy(found, labels[rows], label_smoothing=0.05)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        tell(step + 1, STEPS)
    return net.eval()


def quality(net: Any, held: Digits) -> dict[str, float]:
    """Measure the share of held-out digits that are named rightly."""
    import torch

    with torch.inference_mode():
        found = net(normalised(torch.from_numpy(held.pictures).float())).logits.argmax(1)
    return {"heldout_accuracy": float((found.numpy() == held.labels).mean())}


def save(net: Any, folder: Path) -> None:
    """Write the network and how a picture is prepared for it."""
    net.save_pretrained(folder)
    processor().save_pretrained(folder)


def processor() -> Any:
    """Say how a picture is prepared: to 32 x 32, from -1 to 1."""
    from transformers import ViTImageProcessorPil

    return ViTImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """Turn grey pictures float32 [N, 32, 32], 0 to 255, into network input [N, 3, 32, 32]."""
    return (pictures / 127.5 - 1.0).unsqueeze(1).expand(-1, 3, -1, -1)
