"""Hold our LPIPS against torchmetrics', on the same weights; print the largest differences.

Run `python tests/bench/lpips.py [alex=weights.safetensors] [vgg=...] [squeeze=...]`.
Without a file the weights are random, as wide as keeps every layer's answer near
one. torchmetrics takes its networks from torchvision; here, in this process only,
it is given plain layers of torch in their place.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from harness.digests import of_file
from harness.encoders.lpips_model import LpipsOptions, load
from harness.encoders.lpips_network import Network
from tests.encoders.plain_backbones import filled, random_state

Pixels = NDArray[np.uint8]
SIDES = ((32, 32), (64, 64), (97, 41), (256, 256))


def peer(
    network: Network, state: Mapping[str, torch.Tensor], size: int | None = None
) -> Callable[[Pixels, Pixels], float]:
    """Open torchmetrics' LPIPS on these weights, with the linear ones it ships."""
    from torchmetrics.functional.image import lpips

    def features(name: str, pretrained: bool = False) -> nn.Sequential:
        return filled(network, state)

    before = lpips._get_tv_model_features
    lpips._get_tv_model_features = features
    try:
        net = lpips._LPIPS(net=network, pnet_rand=True, resize=size)
    finally:
        lpips._get_tv_model_features = before

    def distance(x: Pixels, y: Pixels) -> float:
        first, second = (torch.from_numpy(one).permute(2, 0, 1)[None] / 255 for one in (x, y))
        with torch.inference_mode():
            return float(net(first, second, normalize=True))

    return distance


def compare(network: Network, file: Path | None) -> None:
    """Print how far apart the two are, over pairs of pictures of several sizes."""
    state = load_file(file) if file else random_state(network)
    drawn = np.random.default_rng(7)
    worst, values = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        path = file or Path(folder, "weights.safetensors")
        if file is None:
            save_file(state, path)
        model = load(LpipsOptions(network=network, weights=path, sha256=of_file(path)))
    for high, wide in SIDES:
        for size in (None, 64):
            theirs = peer(network, state, size)
            x = drawn.integers(0, 256, (high, wide, 3), dtype=np.uint8)
            for spread in (1, 8, 64):
                y = np.clip(x + drawn.normal(size=x.shape) * spread, 0, 255).astype(np.uint8)
                first, second = model.embed([x], size), model.embed([y], size)
                ours = float((first - second).double().square().sum())
                other = theirs(x, y)
                worst = max(worst, abs(ours - other) / other)
                values.append(ours)
    print(
        f"{network}: {len(values)} pairs, LPIPS {min(values):.6f} to {max(values):.6f}, "
        f"largest relative difference {worst:.1e}"
    )


if __name__ == "__main__":
    files = dict(word.split("=", 1) for word in sys.argv[1:])
    for name in get_args(Network):
        compare(name, Path(files[name]) if name in files else None)
