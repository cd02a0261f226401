"""The three networks of LPIPS are those of plain torch layers, stage by stage."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from harness.encoders import lpips_network
from harness.encoders.lpips_network import SMALLEST, Network
from tests.encoders.plain_backbones import filled, random_state

NETWORKS: tuple[Network, ...] = get_args(Network)
# Where torchmetrics' classes of these networks cut them: the last layer of each stage.
ENDS = {
    "alex": (1, 4, 7, 9, 11),
    "squeeze": (1, 4, 7, 9, 10, 11, 12),
    "vgg": (3, 8, 15, 22, 29),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_each_stage_is_that_of_plain_layers(network: Network) -> None:
    state = random_state(network)
    x = torch.randn((2, 3, 67, 45), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours = list(lpips_network.stages(network, state, x))
        theirs = []
        plain = filled(network, state)
        for place in range(ENDS[network][-1] + 1):
            x = plain[place](x)
            theirs += [x] if place in ENDS[network] else []
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-5)
        assert mine.std() > 0.1


@pytest.mark.parametrize("network", NETWORKS)
def test_every_weight_is_named_with_its_shape(network: Network) -> None:
    state = random_state(network)
    assert lpips_network.shapes(network) == {n: tuple(one.shape) for n, one in state.items()}


@pytest.mark.parametrize("network", NETWORKS)
def test_the_smallest_side_is_the_shortest_that_reaches_the_end(network: Network) -> None:
    state, side = random_state(network), SMALLEST[network]
    with torch.inference_mode():
        *_, last = lpips_network.stages(network, state, torch.zeros(1, 3, side, side))
        assert last.shape[-1] >= 1
        with pytest.raises(RuntimeError):
            list(lpips_network.stages(network, state, torch.zeros(1, 3, side, side - 1)))
