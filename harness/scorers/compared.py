"""What scorers of images share: which encoder reads them, and which dataset they face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from harness.assets import catalogue
from harness.encoders.inception import TF_2015
from harness.protocols import Encoding
from harness.spec.model import Name, Spec


class EncoderOptions(Spec):
    """An encoder by its registered name, with its options, as `harness list encoders` shows."""

    use: Name = "vision"
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        """What metrics are called by: the model, so that none is taken for another's."""
        model = str(self.options.get("model", "")).rstrip("/").rpartition("/")[2]
        layer = self.options.get("layer")
        return "-".join(filter(None, (model or self.use, layer if layer != "pooled" else None)))

    @property
    def defines_fid(self) -> bool:
        """Whether these are the features that FID is defined by: Inception's of 2015."""
        layer = self.options.get("layer", "pooled")
        weights = self.options.get("sha256", TF_2015)
        return (self.use, layer, weights) == ("inception", "pooled", TF_2015)

    def encoding(self, *, prompts: bool = False) -> Encoding:
        """Ask for it."""
        return Encoding(self.use, self.options, prompts)


def _dataset(value: str, info: ValidationInfo) -> str:
    """An asset that is a dataset stays a name; anything else starts at the suite's folder."""
    if value in catalogue.ASSETS:
        return value
    return str((info.context or {}).get("base", Path()) / value)


Dataset = Annotated[str, AfterValidator(_dataset)]
"""A folder, an archive or a Parquet file of images, or an asset that is one."""


__all__ = ["Dataset", "EncoderOptions"]
