"""Load a pipeline from a folder: only safe formats, nobody's code, no weight left to chance."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.encoders.language_model import Precision, precision
from harness.errors import AssetError
from harness.generators.pipelines import SAFE, Index

_LIBRARIES = ("diffusers", "transformers")
# Arguments of pipelines that start from a picture, fill one in, follow one, or make a video.
_FOREIGN = frozenset({"strength", "mask_image", "controlnet_conditioning_scale", "num_frames"})
# What the libraries raise where files do not fit; SafetensorError is added when it is known.
_MISFITS = (
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    ImportError,
)


def load(
    folder: Path, index: Index, dtype: Precision, device: str, kinds: tuple[str, ...] = SAFE
) -> Any:
    """Load a pipeline on its device.

    Args:
        folder: Where it lies.
        index: What it says it is.
        dtype: `auto` is float32 on a CPU, and what the GPU computes in on a GPU.
        device: A device of torch; `auto` is a GPU where there is one.
        kinds: `SAFE`, or `TRUSTED` to read pickled tensors where nothing else is there.

    Raises:
        AssetError: It does not draw pictures from texts or from noise, it names
            code of another library, or its files do not hold all of its weights.
    """
    with quiet():
        import torch
        from diffusers import DiffusionPipeline
        from safetensors import SafetensorError

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        number = "float32" if (dtype, device) == ("auto", "cpu") else precision(dtype)
        how = {
            "dtype": getattr(torch, number),
            "use_safetensors": True if kinds == SAFE else None,
            "local_files_only": True,
        }
        try:
            _fitting(index)
            read = _of_transformers(folder, index, how)
            pipe = DiffusionPipeline.from_pretrained(
                folder, trust_remote_code=False, **how, **read
            )
            _whole(pipe)
            pipe.to(device)
        except (*_MISFITS, SafetensorError) as error:
            raise AssetError(
                f"the pipeline cannot be opened: {str(error).strip().partition(chr(10))[0]}",
                where=str(folder),
                fix="give safetensors of a pipeline that diffusers itself knows; code that "
                "comes with a model is never run",
            ) from error
        pipe.set_progress_bar_config(disable=True)
        return pipe


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back the libraries' progress bars, load reports and notes on their own future."""
    from transformers.utils import logging as first

    # Importing diffusers makes transformers say what it would do with torchvision.
    level = first.get_verbosity()
    first.set_verbosity_error()
    from diffusers.utils import logging as second

    kept = [(first, level, first.is_progress_bar_enabled())]
    kept += [(second, second.get_verbosity(), second.is_progress_bar_enabled())]
    try:
        for voice, _, _ in kept:
            voice.set_verbosity_error()
            voice.disable_progress_bar()
        with warnings.catch_warnings():
            # diffusers announces what it will rename, to whoever calls it inside itself.
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"diffusers\.")
            # Its schedulers hand torch's tensors to NumPy, whose protocol has moved on.
            warnings.filterwarnings(
                "ignore", "__array__ implementation", DeprecationWarning, r"diffusers\."
            )
            yield
    finally:
        for voice, heard, bars in kept:
            voice.set_verbosity(heard)
            if bars:
                voice.enable_progress_bar()


def _fitting(index: Index) -> None:
    """Refuse what is no pipeline from a text or noise to a picture, and foreign code."""
    import diffusers

    for name, (library, _) in index.components.items():
        # Older versions of diffusers import any module that the index names.
        if library not in _LIBRARIES and not hasattr(diffusers.pipelines, library):
            raise ValueError(f"{name!r} is code of {library!r}")
    kind = getattr(diffusers, index.pipeline)
    takes = inspect.signature(kind.__call__).parameters
    if index.textual and ("prompt" not in takes or _FOREIGN & takes.keys()):
        raise ValueError(f"{index.pipeline} does not draw a picture from a text alone")


def _of_transformers(folder: Path, index: Index, how: dict[str, Any]) -> dict[str, Any]:
    """Load the models of transformers, which fill a weight that no file holds with noise."""
    import diffusers
    import transformers

    found = {}
    for name, (library, kind) in index.components.items():
        if library == "diffusers":
            continue
        room = (
            transformers if library == "transformers" else getattr(diffusers.pipelines, library)
        )
        cls = getattr(room, kind, None)
        if isinstance(cls, type) and issubclass(cls, transformers.PreTrainedModel):
            reader: Any = cls
            model, told = reader.from_pretrained(
                folder / name, output_loading_info=True, trust_remote_code=False, **how
            )
            if told["missing_keys"]:
                raise ValueError(f"{name!r} lacks {sorted(told['missing_keys'])[0]}")
            found[name] = model
    return found


def _whole(pipe: Any) -> None:
    """Refuse a model of diffusers whose files lack a weight: it is left without a value."""
    import torch

    for name, part in pipe.components.items():
        if isinstance(part, torch.nn.Module):
            lacking = [key for key, value in part.state_dict().items() if value.is_meta]
            if lacking:
                raise ValueError(f"{name!r} lacks {lacking[0]}")
