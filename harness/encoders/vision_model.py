"""Open a vision model and say how pictures are prepared for it; torchvision is never used."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from harness.encoders import arithmetic
from harness.encoders.language_model import ModelSource, quiet
from harness.errors import AssetError
from harness.spec.model import ModelName, Spec

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class ModelOptions(Spec):
    """The model: an asset, a folder, or a hub id with its `revision`."""

    model: ModelName
    revision: str | None = None
    device: str = "auto"
    batch: Annotated[int, Field(ge=1, le=4096)] = 64


@dataclass(frozen=True, slots=True)
class VisionModel:
    """A network and its image processor, on one device."""

    net: Any
    processor: Any
    device: str

    def pixels(self, pictures: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Prepare pictures, uint8 [H, W, 3]: resized, scaled once, float32 [N, 3, h, w]."""
        # Named, because of a picture three pixels high the processor guesses the axes wrong.
        found = self.processor(
            images=list(pictures), return_tensors="pt", input_data_format="channels_last"
        )
        prepared: torch.Tensor = found["pixel_values"].to(self.device)
        return prepared


def load(
    source: ModelSource, kind: str, device: str, *, unused: tuple[str, ...] = ()
) -> VisionModel:
    """Load a model in float32.

    Args:
        source: Where it lies.
        kind: The class of transformers that opens it.
        device: A device of torch; `auto` is a GPU where there is one.
        unused: How the names of weights begin that nobody will look at.

    Raises:
        AssetError: It is absent, cannot be opened, or its files lack some of its weights.
    """
    import safetensors
    import torch
    import transformers

    folder = source.folder()
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torchvision's absence, which is meant
            processor = transformers.AutoImageProcessor.from_pretrained(
                folder, backend="pil", trust_remote_code=False, local_files_only=True
            )
            net, told = getattr(transformers, kind).from_pretrained(
                folder, dtype=torch.float32, trust_remote_code=False, local_files_only=True,
                use_safetensors=True, output_loading_info=True,
            )  # fmt: skip
    except (OSError, ValueError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
        raise AssetError(
            f"the model cannot be opened: {(str(error).strip() or '?').splitlines()[0]}",
            where=source.name,
            fix="give safetensors and preprocessor_config.json of a vision model that "
            "transformers itself knows",
        ) from error
    if lost := sorted(name for name in told["missing_keys"] if not name.startswith(unused)):
        raise AssetError(
            f"the model's files lack {len(lost)} of its weights, which would be noise",
            where=f"{source.name}: {', '.join(lost[:3])}",
            fix="give all of its safetensors, or another `layer`",
        )
    chosen = arithmetic.device(device)
    return VisionModel(net.to(chosen).eval(), processor, chosen)
