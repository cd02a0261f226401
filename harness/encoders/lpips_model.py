"""LPIPS as an embedding: the squared distance of two pictures' vectors is their LPIPS.

LPIPS sums, over stages and channels, the squared differences of unit vectors,
weighted and averaged over places. No weight is negative, so each can be taken
under the square as a factor sqrt(w / (H W)): LPIPS(x, y) = |v(x) - v(y)|^2 exactly.
Distances within a set of n pictures then take n passes instead of n^2.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from harness.encoders import arithmetic, lpips_network, state_dict
from harness.encoders.lpips_network import Network
from harness.errors import AssetError
from harness.spec.model import Spec, SuitePath

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

PUBLISHED: Mapping[Network, str] = {
    "alex": "alexnet-owt-7be5be79.pth",
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
    "vgg": "vgg16-397923af.pth",
}
"""The ImageNet weights that LPIPS was taught on; their names end in how their sha256 begin."""

_LINEAR: Mapping[Network, str] = {
    "alex": "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    "squeeze": "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
    "vgg": "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
}
# Version 0.1 of LPIPS's own weights, as torchmetrics ships them.
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_EPSILON = 1e-8
# Both of the code of Zhang et al.; the epsilon, under the root, is torchmetrics'.


class LpipsOptions(Spec):
    """Which network LPIPS looks through, and where the weights of its ImageNet training are.

    `weights`: torchvision's file of that network or, of its `features.*`, safetensors.
    `sha256`: what the file must hash to. `allow_pickle`: a `.pth` is one.
    """

    network: Network = "alex"
    weights: SuitePath
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    allow_pickle: bool = False
    device: str = "auto"

    @model_validator(mode="after")
    def _pickle_allowed(self) -> Self:
        if self.weights.suffix != ".safetensors" and not self.allow_pickle:
            raise ValueError("a file of torch is a pickle: say `allow_pickle: true`")
        return self

    @property
    def label(self) -> str:
        """What metrics are called by: the network, and its weights unless they are published.

        LPIPS is defined by torchvision's; with others it is another number.
        """
        published = PUBLISHED[self.network].rpartition("-")[2].removesuffix(".pth")
        start = self.sha256[: len(published)]
        return self.network if start == published else f"{self.network}-{start}"

    @property
    def digests(self) -> dict[str, str]:
        """The pinned digests of both files."""
        return {"lpips": self.sha256, "lpips-linear": _LINEAR[self.network]}


@dataclass(frozen=True, slots=True)
class LpipsModel:
    """A network with its weights, and LPIPS's own beside them, on a device."""

    network: Network
    weights: Mapping[str, torch.Tensor]
    linear: Sequence[torch.Tensor]
    device: str

    def embed(
        self, found: Sequence[NDArray[np.uint8]], size: int | None = None
    ) -> torch.Tensor:
        """Give each picture the vector whose squared distances are LPIPS.

        Args:
            found: Pictures, uint8 [H, W, 3], RGB; of one size if they are not resized.
            size: The side to resize to first, as torchmetrics does (`resize`): by
                area where both sides are longer, else bilinearly. None leaves them.

        Returns:
            float32 [N, D], D by the size of the pictures.
        """
        import torch

        with arithmetic.exact():
            x = torch.cat([self._scaled(one, size) for one in found])
            said = lpips_network.stages(self.network, self.weights, x)
            parts = [_part(*pair) for pair in zip(said, self.linear, strict=True)]
            return torch.cat(parts, dim=1)

    def _scaled(self, pixels: NDArray[np.uint8], size: int | None) -> torch.Tensor:
        """One picture as the network takes it: float32 [1, 3, H, W]."""
        import numpy as np
        import torch

        x = torch.from_numpy(pixels.astype(np.float32)).to(self.device).permute(2, 0, 1)[None]
        shift, scale = (
            torch.tensor(one, device=self.device)[:, None, None] for one in (_SHIFT, _SCALE)
        )
        x = (x / 127.5 - 1 - shift) / scale
        return x if size is None else _resized(x, size)


def load(options: LpipsOptions) -> LpipsModel:
    """Read the weights of both kinds.

    Raises:
        AssetError: A file is absent, another one than pinned, or of another network.
    """
    network, file = options.network, options.weights
    held = state_dict.read(file, options.sha256, fix=_cure(network))
    # torchvision's files also hold the classifier, which LPIPS does not look at.
    own = {name: one for name, one in held.items() if name.startswith("features.")}
    weights = state_dict.take(own, lpips_network.shapes(network), str(file))
    linear = state_dict.read(_linear_file(network), _LINEAR[network], fix=_REINSTALL)
    shapes = lpips_network.linear_shapes(network)
    taken = state_dict.take(linear, shapes, str(_linear_file(network)))
    device = arithmetic.device(options.device)
    return LpipsModel(
        network,
        {name: tensor.to(device) for name, tensor in weights.items()},
        [taken[name].to(device) for name in shapes],
        device,
    )


_REINSTALL = "install torchmetrics again: its own files of LPIPS are wanted, version 0.1"


def _linear_file(network: Network) -> Path:
    # Found without importing it, which would take seconds.
    found = importlib.util.find_spec("torchmetrics")
    if found is None or found.origin is None:
        raise AssetError("torchmetrics is not installed", fix=_REINSTALL)
    return Path(found.origin).parent / "functional/image/lpips_models" / f"{network}.pth"


def _cure(network: Network) -> str:
    return (
        f"give torchvision's `{PUBLISHED[network]}`, or safetensors of its `features.*`, and "
        "the `sha256` of what you give"
    )


def _resized(x: torch.Tensor, size: int) -> torch.Tensor:
    from torch.nn import functional

    if min(x.shape[-2:]) > size:
        return functional.interpolate(x, (size, size), mode="area")
    return functional.interpolate(x, (size, size), mode="bilinear", align_corners=False)


def _part(said: torch.Tensor, linear: torch.Tensor) -> torch.Tensor:
    """One stage's share of the vector: float32 [N, C H W]."""
    length = (said.square().sum(dim=1, keepdim=True) + _EPSILON).sqrt()
    places = said.shape[2] * said.shape[3]
    return (said / length * (linear / places).sqrt()).flatten(1)
