"""Hold our Inception network against torch-fidelity's, layer by layer, on the same weights.

Run `pip download --no-deps torch-fidelity`, unpack the wheel, and
`PYTHONPATH=<where it is> python tests/bench/inception.py [weights.pth]`.
Without a file the weights are random, as wide as keeps every layer's answer
near one, and the norms' means and variances are random too. torch-fidelity
imports torchvision, which is not needed for this and is replaced by an empty
module here, in this process only.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness.encoders import arithmetic, inception_network
from harness.encoders.resize_tf1 import resize_tf1
from harness.encoders.state_dict import take

SIDES = ((32, 32), (299, 299), (480, 640), (513, 257))


def peer(weights: Path) -> Any:
    """Open torch-fidelity's extractor; what it imports of torchvision stays empty."""
    sys.meta_path.insert(0, NoTorchvision())
    module = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    return module.FeatureExtractorInceptionV3(
        "inception-v3-compat",
        ["2048", "logits_unbiased"],
        feature_extractor_weights_path=str(weights),
    )


class NoTorchvision(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds torchvision, and all in it, empty."""

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "torchvision":
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


class Empty(ModuleType):
    """A module that has a class of any name, so that it can be subclassed."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def random_weights() -> dict[str, torch.Tensor]:
    """Draw weights that neither vanish nor blow up over the layers."""
    made = torch.Generator().manual_seed(7)
    state = {}
    for name, shape in inception_network.shapes().items():
        noise = torch.randn(shape, generator=made)
        if name.endswith(".conv.weight"):
            state[name] = noise * (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        elif name.startswith("fc."):
            state[name] = noise / 2048**0.5
        elif name.endswith(("running_var", "bn.weight")):
            state[name] = 1 + 0.1 * noise.abs()
        else:
            state[name] = 0.1 * noise
    return state


def pictures() -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Noise, in several shapes."""
    drawn = np.random.default_rng(7)
    for high, wide in SIDES:
        yield drawn.integers(0, 256, (high, wide, 3), dtype=np.uint8)


def theirs(extractor: Any, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Every layer's answer, caught as it leaves."""
    seen: dict[str, torch.Tensor] = {}
    names = [name for name, _ in extractor.named_children() if hasattr(extractor, name)]
    for name in names:
        getattr(extractor, name).register_forward_hook(
            # Cloned: a later layer may write over it.
            lambda _layer, _given, answer, name=name: seen.update({name: answer.clone()})
        )
    seen["pool3"], seen["logits_unbiased"] = extractor(images)
    return seen


def main() -> None:
    """Print one line of JSON."""
    if importlib.util.find_spec("torch_fidelity") is None:
        print(json.dumps({"bench": "inception", "peer": "torch-fidelity is not on PYTHONPATH"}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(sys.argv[1]) if sys.argv[1:] else Path(scratch, "weights.pth")
        if not sys.argv[1:]:
            torch.save(random_weights(), path)
        extractor = peer(path)
        held = torch.load(path, weights_only=True)
    weights = take(held, inception_network.shapes(), str(path))
    apart: dict[str, float] = {}
    for picture in pictures():
        with arithmetic.exact():
            theirs_seen = theirs(extractor, torch.from_numpy(picture).permute(2, 0, 1)[None])
            x = torch.from_numpy(resize_tf1(picture, 299)).permute(2, 0, 1)[None]
            ours = dict(inception_network.layers(weights, (x - 128) / 128))
            logits = inception_network.logits_unbiased(weights, ours["pool3"])
        for name, answer in {**ours, "logits_unbiased": logits}.items():
            difference = float((answer - theirs_seen[name]).abs().max())
            apart[name] = max(apart.get(name, 0.0), difference)
    largest = {name: float(value.abs().max()) for name, value in theirs_seen.items()}
    line = {
        "bench": "inception",
        "peer": "torch-fidelity",
        "weights": "given" if sys.argv[1:] else "random",
        "names_equal": sorted(weights)
        == sorted(n for n in extractor.state_dict() if not n.endswith("num_batches_tracked")),
        "largest_difference": apart,
        "largest_value": {name: largest[name] for name in apart},
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
