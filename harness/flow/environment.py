"""On what machine and with which versions a run was made."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import harness

_PACKAGES = (
    "torch", "transformers", "diffusers", "torchmetrics", "detoxify", "mlflow", "numpy",
    "scipy", "pyarrow", "jieba", "pydantic",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Describe this machine. Imports nothing heavy and names no user, host or path."""
    return {
        "harness": harness.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", table.read_text()) if table.is_file() else None
    return found[1].strip() if found else platform.processor()
