"""Tiny vision models of transformers' own classes, with random weights, written to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.records import Image

SMALL = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 2,
}  # fmt: skip
SIDE = {"height": 32, "width": 32}
WINDOW = 16


def noise(seed: int, high: int = 40, wide: int = 50) -> Image:
    drawn = np.random.default_rng(seed)
    return Image(drawn.integers(0, 256, (high, wide, 3), dtype=np.uint8))


def write(net: Any, processor: Any, folder: Path) -> str:
    net.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


def vit(folder: Path, kind: str = "ViTModel", **config: Any) -> str:
    """Write a vision transformer; `kind` is its class."""
    import transformers

    torch.manual_seed(1)
    shape = transformers.ViTConfig(**SMALL, image_size=32, patch_size=8, **config)
    processor = transformers.ViTImageProcessorPil(size=SIDE)
    return write(getattr(transformers, kind)(shape), processor, folder)


def resnet(folder: Path) -> str:
    import transformers

    torch.manual_seed(2)
    shape = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic"
    )
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 32})
    return write(transformers.ResNetModel(shape), processor, folder)


def convnext(folder: Path) -> str:
    import transformers

    torch.manual_seed(3)
    shape = transformers.ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1])
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 64})
    return write(transformers.ConvNextModel(shape), processor, folder)


def dinov2(folder: Path) -> str:
    import transformers

    torch.manual_seed(4)
    shape = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    processor = transformers.BitImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}
    )
    return write(transformers.Dinov2Model(shape), processor, folder)


def tokenizer() -> Any:
    """CLIP's tokenizer with no merges: a token for each letter."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    known = [*letters, *(letter + "</w>" for letter in letters)]
    known += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: place for place, piece in enumerate(known)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=WINDOW)


def towers(folder: Path, kind: str) -> str:
    """Write a two-tower model, `CLIP` or `Siglip`, with its tokenizer."""
    import transformers

    torch.manual_seed(5)
    words = tokenizer()
    text = {
        **SMALL, "vocab_size": len(words), "max_position_embeddings": WINDOW,
        "eos_token_id": words.eos_token_id,
    }  # fmt: skip
    text |= {"projection_size": 32} if kind == "Siglip" else {}
    vision = {**SMALL, "image_size": 32, "patch_size": 8}
    shape = getattr(transformers, f"{kind}Config")(text_config=text, vision_config=vision)
    processor = getattr(transformers, f"{kind}ImageProcessorPil")(
        size=SIDE, **({"crop_size": SIDE} if kind == "CLIP" else {})
    )
    words.save_pretrained(folder)
    return write(getattr(transformers, f"{kind}Model")(shape), processor, folder)
