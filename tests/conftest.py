"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.assets import catalogue
from harness.assets.pull import pull
from tests.tiny_asset import CONTENT, tiny

METADATA = b"Metadata-Version: 2.1\nName: harness-tiny\nVersion: 1.0\n"
TAGS = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture(scope="session")
def assets() -> Callable[[str], Path]:
    """Give the folder of a real asset, pulled into the user's cache where it is absent."""
    return pull


@pytest.fixture(scope="session", autouse=True)
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a folder of keys of the tests' own: verdicts are signed with no other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_KEYS", str(tmp_path_factory.mktemp("keys")))
        patch.setenv("HARNESS_AUDIT_LOG", str(tmp_path_factory.mktemp("audit") / "log.jsonl"))
        patch.delenv("HARNESS_SIGNING_KEY", raising=False)
        yield Path(os.environ["HARNESS_KEYS"])


@pytest.fixture
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty asset cache."""
    monkeypatch.setenv("HARNESS_ASSETS", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def write_wheel(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Write a wheel with these members."""

    def write(content: dict[str, bytes]) -> Path:
        info = "harness_tiny-1.0.dist-info"
        path = tmp_path / "harness_tiny-1.0-py3-none-any.whl"
        extra = {f"{info}/METADATA": METADATA, f"{info}/WHEEL": TAGS, f"{info}/RECORD": b""}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in {**content, **extra}.items():
                file.writestr(name, data)
        return path

    return write


@pytest.fixture
def wheel(
    write_wheel: Callable[[dict[str, bytes]], Path],
    cache_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Give the wheel of `tiny`, which the catalogue then knows."""
    path = write_wheel(CONTENT)
    monkeypatch.setitem(catalogue.ASSETS, "tiny", tiny(path))
    return path
