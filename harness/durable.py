"""Write files so that a crash leaves the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Write beside the target, flush to disk, then rename over it."""
    write_with(path, lambda scratch: _dump(scratch, data))


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys and without NaN, as `write` does."""
    write(path, json_bytes(value))


def json_bytes(value: object) -> bytes:
    """The bytes that `write_json` writes."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def write_with(path: Path, writer: Callable[[Path], object]) -> None:
    """Let `writer` fill a scratch file, flush it to disk, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        writer(scratch)
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.chmod(0o600)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _dump(path: Path, data: bytes) -> None:
    path.write_bytes(data)
