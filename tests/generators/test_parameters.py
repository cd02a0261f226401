"""Parameters are read as what they may be, and every misfit is told."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field

from harness.errors import SpecError
from harness.generators.parameters import parameters
from harness.spec.model import Spec


class Two(Spec):
    """A share and a count."""

    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    count: Annotated[int, Field(ge=1)] = 1


def test_what_is_left_out_has_its_default() -> None:
    assert parameters(Two, {"count": 3}) == Two(share=0.5, count=3)


def test_every_misfit_is_told_with_what_was_given() -> None:
    with pytest.raises(SpecError, match=r"share: .*; count: ") as caught:
        parameters(Two, {"share": 2.0, "count": 0})
    assert caught.value.where == "share: 2.0, count: 0"
