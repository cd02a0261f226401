"""Read a network's weights from a file whose bytes are pinned, and take those it needs."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness import digests
from harness.errors import AssetError

if TYPE_CHECKING:
    import torch


def read(path: Path, sha256: str, *, fix: str) -> dict[str, torch.Tensor]:
    """Read tensors by name, from safetensors or from a state dict that torch saved.

    The bytes are hashed before anything is made of them. A pickle is read by
    torch's own restricted reader, which builds tensors and runs nothing.

    Args:
        path: The file; safetensors by its suffix, else a pickle.
        sha256: What its bytes must hash to.
        fix: What to do where it is absent or another file.

    Raises:
        AssetError: The file is absent, another one, or holds no tensors by name.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AssetError("the weights are absent", where=str(path), fix=fix) from error
    if (actual := digests.of_bytes(data)) != sha256:
        raise AssetError(
            f"the weights have sha256 {actual}, not {sha256}", where=str(path), fix=fix
        )
    return _tensors(path, data)


def take(
    state: Mapping[str, torch.Tensor], shapes: Mapping[str, tuple[int, ...]], where: str
) -> dict[str, torch.Tensor]:
    """Take a network's weights, every one of them and of the right shape, as float32.

    Batch norms' counters, which only training reads and old files lack, are left.

    Raises:
        AssetError: A weight is missing, left over or of another shape.
    """
    import torch

    given = {n: t for n, t in state.items() if not n.endswith(".num_batches_tracked")}
    odd = sorted(
        name
        for name in given.keys() | shapes.keys()
        if name not in given or name not in shapes or tuple(given[name].shape) != shapes[name]
    )
    if odd:
        raise AssetError(
            f"these are not the network's weights: {len(odd)} are missing, left over or of "
            f"another shape ({', '.join(odd[:3])})",
            where=where,
            fix="give the file of this very network",
        )
    return {name: tensor.to(torch.float32) for name, tensor in given.items()}


def _tensors(path: Path, data: bytes) -> dict[str, torch.Tensor]:
    import safetensors
    import safetensors.torch
    import torch

    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load(data))
        held = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (safetensors.SafetensorError, *_BROKEN) as error:
        raise AssetError(
            f"the weights cannot be read: {str(error).strip().partition(chr(10))[0]}",
            where=str(path),
            fix="give safetensors, or a state dict saved by torch",
        ) from error
    if not isinstance(held, dict) or not all(torch.is_tensor(one) for one in held.values()):
        raise AssetError("the file is no state dict", where=str(path))
    return dict(held)


_BROKEN = (
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
