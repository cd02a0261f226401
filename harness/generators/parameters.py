"""A strategy's parameters, read into what they may be: every misfit is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from harness.errors import SpecError
from harness.spec.model import Spec

S = TypeVar("S", bound=Spec)


def parameters(kind: type[S], params: Mapping[str, Any]) -> S:
    """Read parameters whose names are known already.

    Raises:
        SpecError: One is out of range; all that are, are told.
    """
    try:
        return kind.model_validate(dict(params))
    except ValidationError as error:
        told = {str(item["loc"][0]): item["msg"] for item in error.errors()}
        raise SpecError(
            "; ".join(f"{name}: {text[:1].lower()}{text[1:]}" for name, text in told.items()),
            where=", ".join(f"{name}: {params[name]!r}" for name in told),
            fix="give a value in range, or leave it out",
        ) from error
