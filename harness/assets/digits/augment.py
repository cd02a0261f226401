"""Small shifts, turns and changes of size, so that a thousand digits look like many more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_TURN, _SHIFT, _SCALE = 0.15, 0.08, 0.08
"""Most radians turned, share of the side moved, and share grown or shrunk."""


def shaken(pictures: torch.Tensor, random: torch.Generator, most: float = 1.0) -> torch.Tensor:
    """Turn, move and scale each picture by a random amount.

    Args:
        pictures: uint8 [N, H, W].
        random: Where the amounts are drawn from.
        most: Share of the largest amounts to use; 0 leaves the pictures alone.

    Returns:
        float32 [N, H, W], 0 to 255.
    """
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    count = len(pictures)
    draw = most * (2.0 * torch.rand((count, 4), generator=random) - 1.0)
    turn, scale = draw[:, 0] * _TURN, 1.0 + draw[:, 1] * _SCALE
    cosine, sine = torch.cos(turn) * scale, torch.sin(turn) * scale
    moved = draw[:, 2:] * 2.0 * _SHIFT
    rows = (
        torch.stack((cosine, -sine, moved[:, 0]), dim=1),
        torch.stack((sine, cosine, moved[:, 1]), dim=1),
    )
    grid = affine_grid(
        torch.stack(rows, dim=1), [count, 1, *pictures.shape[1:]], align_corners=False
    )
    found = grid_sample(pictures.float().unsqueeze(1), grid, align_corners=False)
    return found.squeeze(1)
