"""A generator that repeats the prompt: for tests, and for reading first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from harness.records import Case, Failure, Generated, Modality
from harness.spec.model import Spec


class Echo:
    """Repeats each prompt `times` times, and can be told to fail."""

    modality: Modality = "text"
    identity: Literal["code"] = "code"
    requires: Sequence[str] = ()
    folder: Path | None = None

    class Options(Spec):
        """How to echo; `fail_on` is a prompt that raises, `shuffle` mixes words by the seed."""

        times: Annotated[int, Field(ge=1)] = 1
        fail_on: str | None = None
        shuffle: bool = False
        batch: Annotated[int, Field(ge=1)] = 1000

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
        """Accept any sampling parameters; none changes what an echo says."""

    def generate(self, cases: Sequence[Case]) -> Sequence[Generated | Failure]:
        """Echo a batch."""
        if any(case.prompt.text == self._options.fail_on for case in cases):
            raise ValueError("asked to fail")
        return [Generated(media=self._answer(case), finish="stop") for case in cases]

    def _answer(self, case: Case) -> str:
        words = case.prompt.text.split() * self._options.times
        if not self._options.shuffle:
            return " ".join([case.prompt.text] * self._options.times)
        noise = [
            (hashlib.sha256(f"{case.seed}{i}".encode()).digest(), w)
            for i, w in enumerate(words)
        ]
        return " ".join(word for _, word in sorted(noise))
