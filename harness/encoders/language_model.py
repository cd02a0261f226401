"""Causal language models: found by name, known by digest, and opened once.

A model is named by an asset of the catalogue, a local folder, or a hub id with
a pinned revision that is in the hub's cache already. Nothing is downloaded
here and no code of a model's repository is ever run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from uuid import uuid4

from harness import digests
from harness.assets import cache, catalogue
from harness.errors import AssetError, SpecError

Precision = Literal["auto", "float32", "bfloat16", "float16"]
_KINDS = ("*.safetensors", "*.gguf", "*.json", "*.txt", "*.model", "*.jinja")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_REVISION = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model lies. `weights` names its files with their sha256 or pinned revision."""

    name: str
    revision: str | None
    weights: Mapping[str, str]

    @property
    def assets(self) -> tuple[str, ...]:
        """The catalogue asset this is, if it is one."""
        return (self.name,) if self.name in catalogue.ASSETS else ()

    def folder(self) -> Path:
        """Find the model's folder.

        Raises:
            AssetError: It has not been fetched.
        """
        if self.name in catalogue.ASSETS:
            return cache.locate(self.name)
        if self.revision is None:
            return Path(self.name)
        return _snapshot(self.name, self.revision)


def find(name: str, revision: str | None) -> ModelSource:
    """Say what a model's name stands for, and digest what identifies it, without loading it.

    Args:
        name: An asset, a folder, or a hub id `owner/model`.
        revision: 40 hex digits; required for a hub id.

    Raises:
        SpecError: The name is none of these, or a hub id has no pinned revision.
        AssetError: A folder holds only pickled weights.
    """
    if name in catalogue.ASSETS:
        return ModelSource(name, None, dict(catalogue.ASSETS[name].files))
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ModelSource(str(folder.resolve()), None, _files(folder))
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise SpecError(
            f"no model is called {name!r}",
            fix=f"name an asset ({', '.join(catalogue.ASSETS)}), a folder, or owner/model",
        )
    if revision is None or not _REVISION.fullmatch(revision):
        raise SpecError(
            f"{name!r} needs a pinned revision",
            fix="add `revision:` with the commit's 40 hex digits; a branch can move",
        )
    return ModelSource(name, revision, {f"{name}@revision": revision})


def precision(wanted: Precision) -> str:
    """Choose a number format: bfloat16 where the GPU or CPU computes in it, else float32."""
    if wanted != "auto":
        return wanted
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    flags = Path("/proc/cpuinfo")
    native = flags.is_file() and re.search(r"avx512_bf16|amx_bf16|\bbf16\b", flags.read_text())
    return "bfloat16" if native else "float32"


class LanguageModel:
    """A tokenizer and a causal language model, loaded between enter and exit."""

    def __init__(self, source: ModelSource, dtype: Precision, device: str) -> None:
        self._source, self._dtype, self._device = source, dtype, device
        self.model: Any = None
        self.tokenizer: Any = None

    def __enter__(self) -> Self:
        import torch

        device = self._device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self._load(safetensors_of(self._source))
        except (OSError, ValueError) as error:
            raise AssetError(
                f"the model cannot be opened: {str(error).strip().splitlines()[0]}",
                where=self._source.name,
                fix="give safetensors or GGUF of a model that transformers itself knows; "
                "code that comes with a model is never run",
            ) from error
        self.model = self.model.to(device).eval()
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        return self

    def _load(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        with quiet():
            self.tokenizer = AutoTokenizer.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True, padding_side="left"
            )
            self.model = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, precision(self._dtype)),
                trust_remote_code=False,
                local_files_only=True,
                use_safetensors=True,
            )

    def __exit__(self, *exc: object) -> None:
        self.model = self.tokenizer = None

    @property
    def window(self) -> int:
        """Most tokens the model reads at once."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", 2048))

    @property
    def edge(self) -> int | None:
        """The token that begins a text, or else that ends one; None where there is neither."""
        return edge_of(self.tokenizer)


def edge_of(tokenizer: Any) -> int | None:
    """The token that begins a text, or else that ends one; None where there is neither."""
    begin: int | None = tokenizer.bos_token_id
    end: int | None = tokenizer.eos_token_id
    return end if begin is None else begin


def _files(folder: Path) -> dict[str, str]:
    paths = {path for kind in _KINDS for path in folder.glob(kind)}
    if not any(path.suffix in (".safetensors", ".gguf") for path in paths):
        pickled = [path.name for kind in _PICKLES for path in folder.glob(kind)]
        held = f"only pickled weights ({pickled[0]})" if pickled else "no weights"
        raise AssetError(
            f"the model folder holds {held}",
            where=str(folder),
            fix="give safetensors or GGUF: loading a pickle can run code",
        )
    return {path.name: digests.of_file(path) for path in sorted(paths)}


def _snapshot(name: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = Path(snapshot_download(name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError as error:
        raise AssetError(
            f"{name} at {revision[:12]} is not in the hub's cache",
            fix=f"hf download {name} --revision {revision} --exclude '*.bin'",
        ) from error
    return _plain_copy(found, cache.root() / "hub" / f"{name.replace('/', '--')}-{revision}")


def _plain_copy(snapshot: Path, target: Path) -> Path:
    """Give a snapshot's files without the hub's links, which no digest can vouch for."""

    def link(scratch: Path) -> None:
        scratch.mkdir(parents=True)
        for path in {path for kind in _KINDS for path in snapshot.glob(kind)}:
            try:
                os.link(path.resolve(), scratch / path.name)
            except OSError:
                shutil.copyfile(path.resolve(), scratch / path.name)

    return _made_once(target, link)


def _made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Let `make` fill a scratch folder and rename it into place, unless it is there."""
    if target.is_dir():
        return target
    scratch = target.with_name(f"{target.name}.{uuid4().hex[:8]}.tmp")
    try:
        make(scratch)
        scratch.rename(target)
    except OSError:
        # Another process may have made it meanwhile: the same bytes.
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def safetensors_of(source: ModelSource) -> Path:
    """Find the model's folder; a GGUF file is converted once, beside the asset cache."""
    folder = source.folder()
    packed = sorted(folder.glob("*.gguf"))
    if not packed or any(folder.glob("*.safetensors")):
        return folder
    import transformers

    key = digests.of_json([dict(source.weights), transformers.__version__])
    target = cache.root() / "converted" / key[:20]
    return _made_once(target, lambda scratch: _convert(folder, packed[0].name, scratch))


def _convert(folder: Path, name: str, target: Path) -> None:
    """Write a GGUF model as float32 safetensors, which load forty times faster."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # The reader's progress bar has no switch of its own.
    with quiet(), contextlib.redirect_stderr(io.StringIO()):
        packed = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=name, dtype=torch.float32, trust_remote_code=False
        )
        config = packed.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        plain = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
        plain.load_state_dict(packed.state_dict())
        plain.generation_config = packed.generation_config
        plain.save_pretrained(target, safe_serialization=True)
        AutoTokenizer.from_pretrained(
            folder, gguf_file=name, trust_remote_code=False
        ).save_pretrained(target)


class quiet:  # noqa: N801 - reads as a statement
    """Hold back transformers' own progress bars and load reports."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._level, self._bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def __exit__(self, *exc: object) -> None:
        from transformers.utils import logging

        logging.set_verbosity(self._level)
        if self._bars:
            logging.enable_progress_bar()
