"""Waivers: what a second person excuses, for one model, one rule and a short while."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from harness.errors import SpecError, WaiverError
from harness.spec.load import load
from harness.spec.model import Metadata, Name, Spec

LONGEST = timedelta(days=90)
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise ValueError("should be the 64 digits (0-9, a-f) under `subjects` in decision.json")
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("should say something")
    return text.strip()


_Said = Annotated[
    str, AfterValidator(_said), WithJsonSchema({"type": "string", "minLength": 1})
]
_Sha256 = Annotated[
    str,
    AfterValidator(_digest),
    WithJsonSchema({"type": "string", "pattern": f"^{_DIGEST.pattern}$"}),
]


class Waiver(Spec):
    """One excuse. It turns the outcome it `covers` into `waived`, and is shown everywhere."""

    id: Name
    """The waiver's own name."""
    rule: Name
    """The rule it excuses; never a legal one."""
    slice: str = "all"
    """The slice it excuses, as reports write it, for example `language=en`."""
    strategy: Name | None = None
    """The strategy it is for; all of the model's when left out."""
    subject_digest: _Sha256
    """The one model it is for, by the digest under `subjects` in decision.json."""
    covers: Literal["fail", "insufficient_n", "unscored", "missing_metric", "error"]
    """A fail, or the one cause of being inconclusive that it excuses."""
    reason: _Said
    """Why this is acceptable."""
    requested_by: _Said
    """Who asks."""
    approved_by: _Said
    """Who allows it: another person."""
    created: date
    """The day it was granted."""
    expires: date
    """The last day it holds, at most 90 days later."""
    ticket: _Said
    """Where the discussion is recorded."""

    @model_validator(mode="after")
    def _two_people_and_an_end(self) -> Self:
        if self.requested_by.casefold() == self.approved_by.casefold():
            raise ValueError(f"waiver {self.id!r} is approved by the person who asks for it")
        if self.expires < self.created:
            raise ValueError(f"waiver {self.id!r} expires before it was created")
        if self.expires - self.created > LONGEST:
            raise ValueError(f"waiver {self.id!r} lasts longer than {LONGEST.days} days")
        return self


class WaiversSpec(Spec):
    """A whole file of waivers."""

    apiVersion: Literal["harness/v1"]  # noqa: N815 - the key people write
    """The version of this file format."""
    kind: Literal["Waivers"]
    """What this file is."""
    metadata: Metadata
    """What the file is called and who answers for it."""
    waivers: tuple[Waiver, ...] = Field(json_schema_extra={"minItems": 1})
    """The waivers."""

    @model_validator(mode="after")
    def _some_and_distinct(self) -> Self:
        if not self.waivers:
            raise ValueError("there is no waiver")
        twice = [k for k, n in Counter(waiver.id for waiver in self.waivers).items() if n > 1]
        if twice:
            raise ValueError(f"two waivers share the id {twice[0]!r}")
        return self


def load_waivers(path: Path) -> WaiversSpec:
    """Read and check a file of waivers.

    Raises:
        WaiverError: It cannot be read or does not fit; every misfit is named with its line.
    """
    try:
        return load(path, WaiversSpec)
    except SpecError as error:
        raise WaiverError(str(error.args[0]), where=error.where, fix=error.fix) from error
