"""The graph is FID's: as many weights, the odd pools, and no bias in the logits."""

from __future__ import annotations

import math

import pytest
import torch

from harness.encoders import inception_network
from harness.encoders.inception_network import logits_unbiased, shapes


def test_it_has_the_weights_of_inception_v3() -> None:
    # torchvision's inception_v3 has 27,161,264 with its auxiliary head of 3,326,696 and
    # 1,000 classes; this one has no such head and 1,008.
    learned = [shape for name, shape in shapes().items() if "running" not in name]
    count = sum(math.prod(shape) for shape in learned)
    assert count == 27_161_264 - 3_326_696 + 8 * 2049
    assert sum(name.endswith("conv.weight") for name in shapes()) == 94


def test_its_weights_have_the_published_file_s_names_and_shapes() -> None:
    found = shapes()
    assert found["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert found["Mixed_5b.branch5x5_2.conv.weight"] == (64, 48, 5, 5)
    assert found["Mixed_6a.branch3x3.conv.weight"] == (384, 288, 3, 3)
    assert found["Mixed_6b.branch7x7dbl_2.conv.weight"] == (128, 128, 7, 1)
    assert found["Mixed_6e.branch7x7dbl_3.bn.running_var"] == (192,)
    assert found["Mixed_7a.branch7x7x3_1.conv.weight"] == (192, 768, 1, 1)
    assert found["Mixed_7c.branch3x3dbl_3b.conv.weight"] == (384, 384, 3, 1)
    assert found["Mixed_7c.branch_pool.conv.weight"] == (192, 2048, 1, 1)
    assert found["fc.weight"] == (1008, 2048)


@pytest.mark.parametrize(
    ("how", "expected"),
    # Of [[1, 2], [3, 4]] every pixel's neighbours inside are all four.
    [("average", [[2.5, 2.5], [2.5, 2.5]]), ("maximum", [[4, 4], [4, 4]])],
)
def test_pools_leave_the_padding_out(how: str, expected: list[list[float]]) -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    found = inception_network._pooled(x, how)  # type: ignore[arg-type]
    assert found[0, 0].tolist() == expected


def test_a_halving_pool_takes_every_other_pixel_s_maximum() -> None:
    x = torch.arange(25.0).reshape(1, 1, 5, 5)
    assert inception_network._pooled(x, "halve")[0, 0].tolist() == [[12, 14], [22, 24]]


def test_only_the_last_block_pools_by_maximum() -> None:
    pools = {name: block.pool for name, block in inception_network._BLOCKS.items()}
    assert [name for name, pool in pools.items() if pool == "maximum"] == ["Mixed_7c"]
    assert [name for name, pool in pools.items() if pool == "halve"] == ["Mixed_6a", "Mixed_7a"]


def test_logits_have_no_bias() -> None:
    weights = {"fc.weight": torch.eye(3), "fc.bias": torch.full((3,), 9.0)}
    assert logits_unbiased(weights, torch.tensor([[1.0, 2.0, 3.0]])).tolist() == [[1, 2, 3]]
