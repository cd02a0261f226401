"""The three networks that LPIPS looks through, up to their last stage, as tables of layers.

They are torchvision's AlexNet, VGG16 and SqueezeNet 1.1, whose weights are named
as torchvision names them, so that the files it publishes fit. A stage ends where
LPIPS compares: after a ReLU, or after a fire module.

Source: Zhang et al., The Unreasonable Effectiveness of Deep Features as a
    Perceptual Metric (2018), and its code for which stages are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]

Network = Literal["alex", "squeeze", "vgg"]


@dataclass(frozen=True, slots=True)
class Pool:
    """A maximum over squares of `kernel`, every second; `rounded_up` takes a last part too."""

    kernel: int
    rounded_up: bool = False


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with a bias, and a ReLU after it. `place`: its number in torchvision."""

    place: int
    channels: int
    out: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1


@dataclass(frozen=True, slots=True)
class Fire:
    """A squeeze to few channels, then two convolutions side by side, `out` channels each."""

    place: int
    channels: int
    squeezed: int
    out: int


Layer = Pool | Convolution | Fire
Stage = Sequence[Layer]


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight that the stages compute with."""
    found: dict[str, tuple[int, ...]] = {}
    for layer in _layers(network):
        for name, (channels, out, kernel) in _convolutions(layer).items():
            found[f"{name}.weight"] = (out, channels, kernel, kernel)
            found[f"{name}.bias"] = (out,)
    return found


def linear_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """The name and shape of LPIPS's own weights: one for each channel of each stage."""
    return {
        f"lin{number}.model.1.weight": (1, channels, 1, 1)
        for number, channels in enumerate(map(_channels, _STAGES[network]))
    }


def stages(network: Network, weights: Weights, x: torch.Tensor) -> Iterator[torch.Tensor]:
    """Run the network; yield what each stage says, float32 [N, C, H, W].

    Args:
        network: Which one.
        weights: As `shapes` says.
        x: float32 [N, 3, H, W], RGB, scaled as LPIPS scales; neither side under
            `SMALLEST`.
    """
    for stage in _STAGES[network]:
        for layer in stage:
            x = _run(layer, weights, x)
        yield x


def _run(layer: Layer, weights: Weights, x: torch.Tensor) -> torch.Tensor:
    import torch
    from torch.nn import functional

    def convolved(name: str, x: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return functional.relu(functional.conv2d(x, weight, bias, stride, padding))

    match layer:
        case Pool(kernel=kernel, rounded_up=up):
            return functional.max_pool2d(x, kernel, stride=2, ceil_mode=up)
        case Convolution():
            (name,) = _convolutions(layer)
            return convolved(name, x, layer.stride, layer.padding)
        case Fire():
            squeeze, one, three = _convolutions(layer)
            x = convolved(squeeze, x, 1, 0)
            return torch.cat([convolved(one, x, 1, 0), convolved(three, x, 1, 1)], dim=1)


def _convolutions(layer: Layer) -> dict[str, tuple[int, int, int]]:
    """Input and output channels and the kernel of each convolution in a layer, by name."""
    match layer:
        case Convolution(place=place):
            return {f"features.{place}": (layer.channels, layer.out, layer.kernel)}
        case Fire(place=place, squeezed=few):
            return {
                f"features.{place}.squeeze": (layer.channels, few, 1),
                f"features.{place}.expand1x1": (few, layer.out, 1),
                f"features.{place}.expand3x3": (few, layer.out, 3),
            }
    return {}


def _layers(network: Network) -> Iterator[Layer]:
    for stage in _STAGES[network]:
        yield from stage


def _channels(stage: Stage) -> int:
    last = stage[-1]
    if isinstance(last, Fire):
        return 2 * last.out
    return last.out if isinstance(last, Convolution) else 0


def _block(first: int, *channels: int) -> Stage:
    """Convolutions of VGG one after another, with a ReLU between each two."""
    return [
        Convolution(first + 2 * number, before, after)
        for number, (before, after) in enumerate(pairwise(channels))
    ]


_HALVED = Pool(2)
_THIRD = Pool(3)
_ROUNDED = Pool(3, rounded_up=True)
_STAGES: Mapping[Network, Sequence[Stage]] = {
    "alex": (
        [Convolution(0, 3, 64, kernel=11, stride=4, padding=2)],
        [_THIRD, Convolution(3, 64, 192, kernel=5, padding=2)],
        [_THIRD, Convolution(6, 192, 384)],
        [Convolution(8, 384, 256)],
        [Convolution(10, 256, 256)],
    ),
    "squeeze": (
        [Convolution(0, 3, 64, stride=2, padding=0)],
        [_ROUNDED, Fire(3, 64, 16, 64), Fire(4, 128, 16, 64)],
        [_ROUNDED, Fire(6, 128, 32, 128), Fire(7, 256, 32, 128)],
        [_ROUNDED, Fire(9, 256, 48, 192)],
        [Fire(10, 384, 48, 192)],
        [Fire(11, 384, 64, 256)],
        [Fire(12, 512, 64, 256)],
    ),
    "vgg": (
        _block(0, 3, 64, 64),
        [_HALVED, *_block(5, 64, 128, 128)],
        [_HALVED, *_block(10, 128, 256, 256, 256)],
        [_HALVED, *_block(17, 256, 512, 512, 512)],
        [_HALVED, *_block(24, 512, 512, 512, 512)],
    ),
}
SMALLEST: Mapping[Network, int] = {"alex": 31, "squeeze": 17, "vgg": 16}
"""The shortest side, in pixels, of a picture that reaches the last stage."""
