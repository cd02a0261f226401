"""A generator that paints a small picture from the prompt's digest: a fake for images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from harness.records import Case, Failure, Generated, Image, Modality
from harness.spec.model import Spec


class Pixel:
    """Paints `size` x `size` coloured squares that depend on the prompt and the seed."""

    modality: Modality = "image"
    identity: Literal["code"] = "code"
    requires: Sequence[str] = ()
    folder: Path | None = None

    class Options(Spec):
        """How large, in pixels."""

        size: Annotated[int, Field(ge=1, le=1024)] = 16
        batch: Annotated[int, Field(ge=1)] = 256

    def __init__(self, options: Options) -> None:
        self._options = options
        self.batch = options.batch

    @property
    def weights(self) -> Mapping[str, str]:
        """None."""
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def check(self, params: Mapping[str, Any]) -> None:
        """Accept any sampling parameters; none changes what is painted."""

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Paint a batch."""
        return [Generated(media=self._paint(case), finish="stop") for case in cases]

    def _paint(self, case: Case) -> Image:
        import numpy as np

        size = self._options.size
        seed = hashlib.sha256(f"{case.prompt.text}\n{case.seed}".encode()).digest()
        noise = np.random.Generator(np.random.Philox(int.from_bytes(seed[:16], "big")))
        return Image(noise.integers(0, 256, (size, size, 3), dtype=np.uint8))
