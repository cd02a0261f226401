"""The three networks of LPIPS as plain layers of torch, to stand where torchvision would."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn


class Fire(nn.Module):
    """A fire module, written as SqueezeNet's paper has it."""

    def __init__(self, channels: int, squeezed: int, out: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, out, 1)
        self.expand3x3 = nn.Conv2d(squeezed, out, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], 1)


def alexnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
    )  # fmt: skip


def squeezenet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(64, 16, 64), Fire(128, 16, 64), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(128, 32, 128), Fire(256, 32, 128), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
    )  # fmt: skip


def vgg16() -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 3
    for channels, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(times):
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
            before = channels
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


MADE = {"alex": alexnet, "squeeze": squeezenet, "vgg": vgg16}


def random_state(network: str, seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights at random, as wide as keeps every layer's answer near one, named `features.*`."""
    made = torch.Generator().manual_seed(seed)
    state = {}
    for name, weight in MADE[network]().state_dict().items():
        spread = (2 / weight[0].numel()) ** 0.5 if weight.ndim > 1 else 0.1
        state[f"features.{name}"] = torch.randn(weight.shape, generator=made) * spread
    return state


def filled(network: str, state: Mapping[str, torch.Tensor]) -> nn.Sequential:
    """The plain network with these weights."""
    net = MADE[network]()
    net.load_state_dict({n.removeprefix("features."): one for n, one in state.items()})
    return net
