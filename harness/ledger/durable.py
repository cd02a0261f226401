"""Write a file so that a crash leaves the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys beside the target, flush it to disk, then rename it."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with scratch.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
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
