"""Open a vision model and say how pictures are prepared for it; torchvision is never used."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.encoders.language_model import ModelSource, quiet
from harness.errors import AssetError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class VisionModel:
    """A network and its image processor, on one device."""

    net: Any
    processor: Any
    device: str

    def pixels(self, pictures: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Prepare pictures uint8 [H, W, 3]: resized, scaled once, float32 [N, 3, h, w]."""
        found = self.processor(
            images=list(pictures), return_tensors="pt", input_data_format="channels_last"
        )
        prepared: torch.Tensor = found["pixel_values"].to(self.device)
        return prepared


def load(source: ModelSource, kind: str, device: str) -> VisionModel:
    """Load a model in float32.

    Args:
        source: Where it lies.
        kind: The class of transformers that opens it.
        device: A device of torch; `auto` is a GPU where there is one.

    Raises:
        AssetError: It is absent, cannot be opened, or its files lack some of its weights.
    """
    import torch
    import transformers

    chosen = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
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
    except (OSError, ValueError, KeyError) as error:
        raise AssetError(
            f"the model cannot be opened: {str(error).strip().splitlines()[0]}",
            where=source.name,
            fix="give safetensors and preprocessor_config.json of a vision model that "
            "transformers itself knows",
        ) from error
    if lost := sorted(told["missing_keys"]):
        raise AssetError(
            f"the model's files lack {len(lost)} of its weights, which would be noise",
            where=f"{source.name}: {', '.join(lost[:3])}",
            fix="give all of its safetensors, or another `layer`",
        )
    return VisionModel(net.to(chosen).eval(), processor, chosen)
