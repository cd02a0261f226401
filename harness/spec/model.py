"""The strict base of every file people write, and the names allowed in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
API_VERSION = "harness/v1"


class Spec(BaseModel):
    """Unknown keys are errors, values are fixed, types are not guessed, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Metadata(Spec):
    """What a file is called and what it is for."""

    name: Name
    description: str = ""
    version: str = ""
    owner: str = ""
