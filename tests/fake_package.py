"""An installed package that registers plug-ins, made in a folder on the path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, points: str, **modules: str
) -> None:
    """Install a distribution with these entry points and modules for one test.

    Args:
        folder: Where; it goes on `sys.path`.
        monkeypatch: Takes it off the path again.
        name: The distribution's name; its version is 1.0.
        points: The text of its `entry_points.txt`.
        modules: The source of each of its modules, by name.
    """
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    if str(folder) not in sys.path:
        monkeypatch.syspath_prepend(str(folder))
