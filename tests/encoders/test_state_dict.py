"""Weights are read only from the pinned bytes, and a network gets all of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from harness.digests import of_file
from harness.encoders.state_dict import read, take
from harness.errors import AssetError

SHAPES: dict[str, tuple[int, ...]] = {"a.weight": (2, 3), "a.bias": (2,)}


def weights() -> dict[str, torch.Tensor]:
    return {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_tensors_come_back_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(weights(), path)
    else:
        save_file(weights(), path)
    found = read(path, of_file(path), fix="")
    assert found.keys() == SHAPES.keys()
    assert torch.equal(found["a.weight"], weights()["a.weight"])


def test_other_bytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not even a pickle")
    with pytest.raises(AssetError, match="sha256") as caught:
        read(path, "0" * 64, fix="run `harness assets pull x`")
    assert caught.value.fix == "run `harness assets pull x`"


def test_an_absent_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="absent") as caught:
        read(tmp_path / "nothing.pth", "0" * 64, fix="run `harness assets pull x`")
    assert "pull x" in str(caught.value)


def test_code_in_a_pickle_never_runs_though_its_digest_is_pinned(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(canary),)

    path = tmp_path / "weights.pth"
    torch.save({"a.weight": Evil()}, path)
    with pytest.raises(AssetError, match="cannot be read"):
        read(path, of_file(path), fix="")
    assert not canary.exists()


@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
def test_a_broken_file_is_an_asset_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x80\x02broken" * 40)
    with pytest.raises(AssetError, match="cannot be read"):
        read(path, of_file(path), fix="")


def test_a_file_that_holds_something_else_is_no_state_dict(tmp_path: Path) -> None:
    path = tmp_path / "list.pth"
    torch.save([torch.ones(1)], path)
    with pytest.raises(AssetError, match="no state dict"):
        read(path, of_file(path), fix="")


def test_counters_of_batch_norms_are_left_and_halves_become_float32() -> None:
    held = {n: t.half() for n, t in weights().items()}
    found = take(held | {"a.num_batches_tracked": torch.tensor(3)}, SHAPES, "here")
    assert found.keys() == SHAPES.keys()
    assert {t.dtype for t in found.values()} == {torch.float32}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"a.bias": None}, "a.bias"),
        ({"b.bias": torch.ones(1)}, "b.bias"),
        ({"a.bias": torch.ones(3)}, "a.bias"),
    ],
)
def test_a_missing_or_strange_weight_is_named(
    change: dict[str, torch.Tensor | None], named: str
) -> None:
    held = {name: t for name, t in (weights() | change).items() if t is not None}
    with pytest.raises(AssetError, match=f"1 are missing, left over .*{named}"):
        take(held, SHAPES, "here")
