"""LPIPS is torchmetrics' LPIPS on the same weights, and takes no weights but those pinned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors.torch import save_file

from harness.digests import of_file
from harness.encoders import lpips_model
from harness.encoders.lpips_model import LpipsModel, LpipsOptions, load
from harness.encoders.lpips_network import Network
from harness.errors import AssetError
from tests.bench.lpips import peer
from tests.encoders.plain_backbones import random_state
from tests.encoders.test_lpips_network import NETWORKS

Pixels = NDArray[np.uint8]
ZEROS = "0" * 64


def noise(seed: int, high: int = 64, wide: int = 64) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (high, wide, 3), dtype=np.uint8)


def written(folder: Path, network: Network, **more: torch.Tensor) -> LpipsOptions:
    path = folder / f"{network}.safetensors"
    save_file({**random_state(network), **more}, path)
    return LpipsOptions(network=network, weights=path, sha256=of_file(path), device="cpu")


def lpips(model: LpipsModel, x: Pixels, y: Pixels, size: int | None = None) -> float:
    first, second = model.embed([x], size), model.embed([y], size)
    return float((first - second).double().square().sum())


@pytest.fixture(scope="module")
def alex(tmp_path_factory: pytest.TempPathFactory) -> LpipsModel:
    return load(written(tmp_path_factory.mktemp("lpips"), "alex"))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("side", "size"), [(64, None), (97, None), (24, 64), (97, 64)])
def test_it_is_what_torchmetrics_says(
    tmp_path: Path, network: Network, side: int, size: int | None
) -> None:
    state = random_state(network)
    x, y = noise(1, side, side + 9), noise(2, side, side + 9)
    theirs = peer(network, state, size)(x, y)
    assert theirs > 0.01
    ours = lpips(load(written(tmp_path, network)), x, y, size)
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_one_stage_worked_by_hand() -> None:
    said = torch.tensor([[[[3.0, 0.0]], [[4.0, 2.0]]]])
    linear = torch.tensor([[[[2.0]], [[8.0]]]])
    # Unit vectors (0.6, 0.8) and (0, 1); weights 2 and 8 over two places: roots 1 and 2.
    found = lpips_model._part(said, linear)
    expected = torch.tensor([[0.6, 0.0, 1.6, 2.0]])
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_it_is_none_to_itself_the_same_both_ways_and_grows_with_noise(
    alex: LpipsModel, seed: int
) -> None:
    x = noise(seed, 40, 33)
    change = np.random.default_rng(seed + 1).normal(size=x.shape)
    near, far = (np.clip(x + change * by, 0, 255).astype(np.uint8) for by in (4, 60))
    assert lpips(alex, x, x) == 0.0
    assert lpips(alex, x, far) == pytest.approx(lpips(alex, far, x), rel=1e-6)
    assert lpips(alex, x, near) < lpips(alex, x, far)


def test_a_picture_does_not_depend_on_its_neighbours(alex: LpipsModel) -> None:
    alone = alex.embed([noise(3)])
    among = alex.embed([noise(1), noise(3), noise(2)])[1:2]
    torch.testing.assert_close(alone, among, rtol=0, atol=1e-6)


def test_the_classifier_in_a_published_file_is_left(tmp_path: Path) -> None:
    options = written(tmp_path, "squeeze", **{"classifier.1.weight": torch.zeros(1000, 512)})
    assert "classifier.1.weight" not in load(options).weights


def test_a_state_dict_of_torch_is_read_where_pickles_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "squeezenet1_1-b8a52dc0.pth"
    torch.save(random_state("squeeze"), path)
    with pytest.raises(ValidationError, match="allow_pickle: true"):
        LpipsOptions(network="squeeze", weights=path, sha256=of_file(path))
    options = LpipsOptions(
        network="squeeze", weights=path, sha256=of_file(path), allow_pickle=True
    )
    assert load(options).weights.keys() == random_state("squeeze").keys()


def test_other_bytes_than_those_pinned_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "squeeze").weights
    options = LpipsOptions(network="squeeze", weights=path, sha256=ZEROS)
    with pytest.raises(AssetError, match="not 0000") as caught:
        load(options)
    assert "squeezenet1_1-b8a52dc0.pth" in caught.value.fix


def test_absent_weights_and_those_of_another_network_are_refused(tmp_path: Path) -> None:
    gone = LpipsOptions(weights=tmp_path / "none.safetensors", sha256=ZEROS)
    with pytest.raises(AssetError, match="absent"):
        load(gone)
    other = written(tmp_path, "squeeze")
    with pytest.raises(AssetError, match="not the network's weights"):
        load(other.model_copy(update={"network": "alex"}))


def test_only_published_weights_bear_the_networks_plain_name(tmp_path: Path) -> None:
    def label(network: Network, sha256: str) -> str:
        weights = tmp_path / "w.safetensors"
        return LpipsOptions(network=network, weights=weights, sha256=sha256).label

    assert label("alex", "7be5be79" + ZEROS[8:]) == "alex"
    assert label("vgg", "397923af" + ZEROS[8:]) == "vgg"
    assert label("squeeze", "b8a52dc0" + ZEROS[8:]) == "squeeze"
    assert label("vgg", "7be5be79" + ZEROS[8:]) == "vgg-7be5be79"
    assert label("alex", ZEROS) == "alex-00000000"


def test_both_files_are_in_its_digests_before_they_are_read(tmp_path: Path) -> None:
    options = LpipsOptions(weights=tmp_path / "none.safetensors", sha256=ZEROS)
    assert options.digests["lpips"] == ZEROS
    assert options.digests["lpips-linear"] == of_file(lpips_model._linear_file("alex"))
