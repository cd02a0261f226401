"""How far a picture is from another, pixel by pixel: PSNR and SSIM, through torchmetrics.

torchmetrics guesses the range of values from the pictures unless it is told, and
fills SSIM's windows up with mirrored pixels at the edges. Here the range is
stated, and only windows that lie whole within the picture count, as the paper has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

PSNR_CEILING = 60.0
"""Equal pictures have an infinite PSNR: it ends where VMAF's ends for 8 bits, 6 * 8 + 12 dB."""
SSIM_WINDOW = 11
"""The side of SSIM's window, and so of the smallest picture that has an SSIM."""

_SIGMA = 1.5
_HALF_WINDOW = SSIM_WINDOW // 2


def psnr(made: Pixels, wanted: Pixels) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels, at most PSNR_CEILING.

    10 log10(255^2 / mean squared difference).

    Args:
        made: uint8 [H, W, 3].
        wanted: The same shape.
    """
    from torchmetrics.functional.image import peak_signal_noise_ratio

    found = peak_signal_noise_ratio(_unit(made), _unit(wanted), data_range=1.0)
    return min(float(found), PSNR_CEILING)


def ssim(made: Pixels, wanted: Pixels) -> float:
    """Structural similarity, in [-1, 1]: the mean over windows and the three channels.

    Gaussian windows of 11 x 11 with sigma 1.5, K1 = 0.01, K2 = 0.03, population
    covariances. scikit-image gives the same with `gaussian_weights=True`,
    `use_sample_covariance=False`, `channel_axis=-1`.

    Args:
        made: uint8 [H, W, 3], no side under SSIM_WINDOW.
        wanted: The same shape.

    Source:
        Wang et al., Image Quality Assessment: From Error Visibility to Structural
        Similarity (2004), equation 13.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, windows = structural_similarity_index_measure(
        _unit(made), _unit(wanted), sigma=_SIGMA, data_range=1.0, return_full_image=True
    )
    height, width, _ = made.shape
    whole = windows[
        ..., _HALF_WINDOW : height - _HALF_WINDOW, _HALF_WINDOW : width - _HALF_WINDOW
    ]
    return float(whole.mean())


def _unit(pixels: Pixels) -> torch.Tensor:
    """A picture in [0, 1], float64 [1, 3, H, W]."""
    import torch

    return torch.from_numpy(pixels / 255.0).permute(2, 0, 1)[None]
