"""The table refuses entries that are not pinned or could leave their folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.assets.catalogue import ASSETS, Asset, HubSource, PathSource, WheelSource, find
from harness.errors import AssetError

DIGEST = "0" * 64


def entry(name: str = "model.bin") -> Asset:
    return Asset(
        name="x",
        description="",
        licence="MIT",
        size_bytes=1,
        source=PathSource(Path("somewhere")),
        files={name: DIGEST},
    )


def test_every_shipped_asset_has_a_licence_a_size_and_pinned_files() -> None:
    for name, asset in ASSETS.items():
        assert asset.name == name
        assert asset.licence
        assert asset.size_bytes > 0
        assert asset.files


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\x", "c:x", "", "a\0", ".."])
def test_a_file_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(AssetError, match="outside"):
        entry(name)


def test_an_asset_name_that_is_a_path_is_refused() -> None:
    with pytest.raises(AssetError, match="not a name"):
        replace(entry(), name="../x")


def test_a_file_without_a_digest_is_refused() -> None:
    with pytest.raises(AssetError, match="not a sha256"):
        replace(entry(), files={"model.bin": "latest"})


def test_a_hub_source_needs_a_full_revision() -> None:
    with pytest.raises(AssetError, match="not pinned"):
        replace(entry(), source=HubSource("a/b", "main", {"m": "model.bin"}))


def test_a_source_that_names_other_files_is_refused() -> None:
    with pytest.raises(AssetError, match="different files"):
        replace(entry(), source=WheelSource("a", "1", DIGEST, {"m": "other.bin"}))


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(AssetError) as caught:
        find("toxblok")
    assert "did you mean 'toxblock'?" in str(caught.value)
