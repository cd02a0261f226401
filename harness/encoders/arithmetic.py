"""Where a network runs, and in which arithmetic: float32 proper, on a GPU too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def device(wanted: str) -> str:
    """Name a device of torch; `auto` is a GPU where there is one."""
    if wanted != "auto":
        return wanted
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def exact() -> Iterator[None]:
    """Infer without gradients, and without torch's shortcuts for convolutions.

    By default a GPU rounds their float32 to the ten-bit mantissa of TF32, which
    moves every feature, and may pick an algorithm that sums in no fixed order.
    """
    import torch

    flags = {"benchmark": False, "deterministic": True, "allow_tf32": False}
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, **flags):
        yield
