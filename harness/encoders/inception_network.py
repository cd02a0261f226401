"""The Inception-v3 that FID is defined by: its layers as a table, and how they are run.

It is the graph of `inception-2015-12-05`, which is not the paper's: average
pools leave the padding out, the last block pools by maximum, and there are
1,008 outputs. Weights are named as pytorch-fid and torch-fidelity name them,
so the file that both publish fits.

Source: Szegedy et al., Rethinking the Inception Architecture (2015); Heusel et
    al., GANs Trained by a Two Time-Scale Update Rule (2017), for its use in FID.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]

SIZE = 299
FEATURES = 2048
CLASSES = 1008

_NORM_EPSILON = 0.001
_NORM = ("weight", "bias", "running_mean", "running_var")

Kernel = tuple[int, int]
Step = tuple[str, int, Kernel]
"""A convolution: its name, its output channels, its kernel."""
Branch = Sequence[Sequence[Step]]
"""Convolutions one after another; two in one place read the same input side by side."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution without bias; a batch norm and a ReLU follow it."""

    channels: int
    out: int
    kernel: Kernel
    stride: int = 1
    padding: Kernel = (0, 0)


@dataclass(frozen=True, slots=True)
class Block:
    """Branches of convolutions and a pooled one, joined by channel.

    `pool`: how the last branch pools; `pooled` are the channels of the
    convolution after it. One that halves has none, and the last convolution
    of its other branches has stride 2 and no padding.
    """

    branches: Sequence[Branch]
    pool: Literal["average", "maximum", "halve"]
    pooled: int = 0


def shapes() -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight the network computes with."""
    found: dict[str, tuple[int, ...]] = {}
    for name, layer in _convolutions().items():
        found[f"{name}.conv.weight"] = (layer.out, layer.channels, *layer.kernel)
        found |= {f"{name}.bn.{part}": (layer.out,) for part in _NORM}
    return found | {"fc.weight": (CLASSES, FEATURES), "fc.bias": (CLASSES,)}


def layers(weights: Weights, pictures: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """Run the network; yield each layer's name and answer, at the end `pool3`.

    Args:
        weights: As `shapes` says.
        pictures: float32 [N, 3, 299, 299], RGB, (pixel - 128) / 128.

    Yields:
        float32 [N, C, H, W]; `pool3` is float32 [N, 2048].
    """
    from torch.nn import functional

    x = pictures
    for name in _STEM:
        x = _convolved(weights, name, x)
        yield name, x
        if name in _THEN_POOLED:
            x = functional.max_pool2d(x, 3, stride=2)
    for name in _BLOCKS:
        x = _mixed(weights, name, x)
        yield name, x
    yield "pool3", functional.adaptive_avg_pool2d(x, 1).flatten(1)


def logits_unbiased(weights: Weights, features: torch.Tensor) -> torch.Tensor:
    """Logits without the bias, which the Inception Score's own code leaves out.

    Args:
        weights: As `shapes` says.
        features: `pool3`, float32 [N, 2048].

    Returns:
        float32 [N, 1008].
    """
    return features @ weights["fc.weight"].T


def _convolved(weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    from torch.nn import functional

    layer = _convolutions()[name]
    x = functional.conv2d(
        x, weights[f"{name}.conv.weight"], stride=layer.stride, padding=layer.padding
    )
    weight, bias, mean, variance = (weights[f"{name}.bn.{part}"] for part in _NORM)
    x = functional.batch_norm(x, mean, variance, weight, bias, eps=_NORM_EPSILON)
    return functional.relu(x, inplace=True)


def _mixed(weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    import torch

    block = _BLOCKS[name]
    ends = []
    for branch in block.branches:
        end = x
        for place in branch:
            side = [_convolved(weights, f"{name}.{step}", end) for step, _, _ in place]
            end = torch.cat(side, dim=1)
        ends.append(end)
    last = _pooled(x, block.pool)
    ends.append(_convolved(weights, f"{name}.branch_pool", last) if block.pooled else last)
    return torch.cat(ends, dim=1)


def _pooled(x: torch.Tensor, how: Literal["average", "maximum", "halve"]) -> torch.Tensor:
    from torch.nn import functional

    if how == "halve":
        return functional.max_pool2d(x, 3, stride=2)
    if how == "maximum":
        return functional.max_pool2d(x, 3, stride=1, padding=1)
    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


@cache
def _convolutions() -> dict[str, Convolution]:
    """Every convolution by its name, with the channels that reach it."""
    found = dict(_STEM)
    channels = list(_STEM.values())[-1].out
    for name, block in _BLOCKS.items():
        ends = 0
        for branch in block.branches:
            width = channels
            for place in branch:
                halved = block.pool == "halve" and place is branch[-1]
                for step, out, kernel in place:
                    padding = (0, 0) if halved else (kernel[0] // 2, kernel[1] // 2)
                    layer = Convolution(width, out, kernel, 2 if halved else 1, padding)
                    found[f"{name}.{step}"] = layer
                width = sum(out for _, out, _ in place)
            ends += width
        if block.pooled:
            found[f"{name}.branch_pool"] = Convolution(channels, block.pooled, (1, 1))
        channels = ends + (block.pooled or channels)
    return found


def _line(*steps: Step) -> Branch:
    return [[step] for step in steps]


def _at_35(pooled: int) -> Block:
    return Block(
        [
            _line(("branch1x1", 64, (1, 1))),
            _line(("branch5x5_1", 48, (1, 1)), ("branch5x5_2", 64, (5, 5))),
            _line(
                ("branch3x3dbl_1", 64, (1, 1)),
                ("branch3x3dbl_2", 96, (3, 3)),
                ("branch3x3dbl_3", 96, (3, 3)),
            ),
        ],
        "average",
        pooled,
    )


def _at_17(inner: int) -> Block:
    return Block(
        [
            _line(("branch1x1", 192, (1, 1))),
            _line(
                ("branch7x7_1", inner, (1, 1)),
                ("branch7x7_2", inner, (1, 7)),
                ("branch7x7_3", 192, (7, 1)),
            ),
            _line(
                ("branch7x7dbl_1", inner, (1, 1)),
                ("branch7x7dbl_2", inner, (7, 1)),
                ("branch7x7dbl_3", inner, (1, 7)),
                ("branch7x7dbl_4", inner, (7, 1)),
                ("branch7x7dbl_5", 192, (1, 7)),
            ),
        ],
        "average",
        192,
    )


def _at_8(pool: Literal["average", "maximum"]) -> Block:
    return Block(
        [
            _line(("branch1x1", 320, (1, 1))),
            [
                [("branch3x3_1", 384, (1, 1))],
                [("branch3x3_2a", 384, (1, 3)), ("branch3x3_2b", 384, (3, 1))],
            ],
            [
                [("branch3x3dbl_1", 448, (1, 1))],
                [("branch3x3dbl_2", 384, (3, 3))],
                [("branch3x3dbl_3a", 384, (1, 3)), ("branch3x3dbl_3b", 384, (3, 1))],
            ],
        ],
        pool,
        192,
    )


_STEM = {
    "Conv2d_1a_3x3": Convolution(3, 32, (3, 3), stride=2),
    "Conv2d_2a_3x3": Convolution(32, 32, (3, 3)),
    "Conv2d_2b_3x3": Convolution(32, 64, (3, 3), padding=(1, 1)),
    "Conv2d_3b_1x1": Convolution(64, 80, (1, 1)),
    "Conv2d_4a_3x3": Convolution(80, 192, (3, 3)),
}
_THEN_POOLED = ("Conv2d_2b_3x3", "Conv2d_4a_3x3")
_BLOCKS = {
    "Mixed_5b": _at_35(32),
    "Mixed_5c": _at_35(64),
    "Mixed_5d": _at_35(64),
    "Mixed_6a": Block(
        [
            _line(("branch3x3", 384, (3, 3))),
            _line(
                ("branch3x3dbl_1", 64, (1, 1)),
                ("branch3x3dbl_2", 96, (3, 3)),
                ("branch3x3dbl_3", 96, (3, 3)),
            ),
        ],
        "halve",
    ),
    "Mixed_6b": _at_17(128),
    "Mixed_6c": _at_17(160),
    "Mixed_6d": _at_17(160),
    "Mixed_6e": _at_17(192),
    "Mixed_7a": Block(
        [
            _line(("branch3x3_1", 192, (1, 1)), ("branch3x3_2", 320, (3, 3))),
            _line(
                ("branch7x7x3_1", 192, (1, 1)),
                ("branch7x7x3_2", 192, (1, 7)),
                ("branch7x7x3_3", 192, (7, 1)),
                ("branch7x7x3_4", 192, (3, 3)),
            ),
        ],
        "halve",
    ),
    "Mixed_7b": _at_8("average"),
    "Mixed_7c": _at_8("maximum"),
}
