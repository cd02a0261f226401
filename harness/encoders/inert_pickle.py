"""Read the plain data in a pickle without running anything it names.

Every class or function a pickle asks for is answered with a new, empty kind
of dict that swallows its arguments. Nothing is imported, so nothing can be
called: what is left is the strings, numbers and containers.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from harness.errors import AssetError

_BROKEN = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class Inert(dict[Any, Any]):
    """Stands for an object of a class the pickle names; `vars()` of it is its state."""

    def __new__(cls, *_: object) -> Inert:  # noqa: D102 - as plain as an __init__
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            vars(self).update(state)


def read_inert(path: Path) -> object:
    """Read a pickle; each object in it becomes an `Inert`.

    Arrays that joblib writes between the opcodes are not understood and end
    in an error, like any other broken pickle.

    Raises:
        AssetError: The bytes are not a pickle of plain data and objects.
    """
    try:
        return _Unpickler(io.BytesIO(path.read_bytes())).load()
    except _BROKEN as error:
        raise AssetError(f"not a pickle of plain data: {error}", where=str(path)) from error


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> type[Inert]:
        """Answer any name with a fresh class, so that one object cannot change another's."""
        return type(global_name, (Inert,), {"__doc__": module_name})
