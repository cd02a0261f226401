"""The encoder gives vectors of one length, whose squared distances are LPIPS."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.encoders.lpips import Lpips
from harness.encoders.lpips_model import LpipsOptions
from harness.errors import PluginError
from harness.records import Failure, Image
from tests.bench.lpips import peer
from tests.encoders.plain_backbones import random_state
from tests.encoders.test_lpips_model import noise, written


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> LpipsOptions:
    return written(tmp_path_factory.mktemp("lpips"), "alex")


def opened(options: LpipsOptions, size: int = 64) -> Lpips:
    return Lpips(Lpips.Options(**options.model_dump(), size=size))


@pytest.fixture(scope="module")
def encoder(options: LpipsOptions) -> Iterator[Lpips]:
    with opened(options) as entered:
        yield entered


def test_squared_distances_of_pictures_of_any_size_are_lpips_at_its_size(
    encoder: Lpips,
) -> None:
    pictures = [noise(1, 40, 90), noise(2, 40, 90), noise(1, 200, 100)]
    first, second, third = encoder.encode([Image(one) for one in pictures])
    assert isinstance(first, np.ndarray)
    assert isinstance(second, np.ndarray)
    assert isinstance(third, np.ndarray)
    assert first.shape == second.shape == third.shape == (31_872,)
    expected = peer("alex", random_state("alex"), 64)(pictures[0], pictures[1])
    assert float(((first - second) ** 2).sum()) == pytest.approx(expected, rel=1e-5)


def test_what_is_no_picture_fails_alone(encoder: Lpips) -> None:
    bad, good = encoder.encode(["a text", Image(noise(1))])
    assert isinstance(bad, Failure)
    assert isinstance(good, np.ndarray)


def test_a_picture_that_may_not_be_written_to_is_read(encoder: Lpips) -> None:
    pixels: NDArray[np.uint8] = noise(1)
    pixels.setflags(write=False)
    (found,) = encoder.encode([Image(pixels)])
    assert isinstance(found, np.ndarray)


def test_its_size_changes_what_it_says(options: LpipsOptions) -> None:
    with opened(options, 96) as entered:
        (found,) = entered.encode([Image(noise(1))])
    assert isinstance(found, np.ndarray)
    assert found.size > 31_872


def test_it_must_be_open_to_read(options: LpipsOptions) -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        opened(options).encode([Image(noise(1))])
    assert opened(options).weights == options.digests
    assert torch.is_grad_enabled()
