"""What a scorer hands back, checked against what it declared, before it is stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from harness.engine.texts import storable
from harness.records import Cell, Failure, Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST = 2**63


def checked(result: object, columns: Mapping[str, str]) -> Reading | Failure:
    """Refuse a reading that lacks a column, adds one, or holds a number that is not finite.

    Args:
        result: A reading, a failure, or whatever else a plug-in returned.
        columns: The declared columns and their types.

    Returns:
        The reading in plain values, or why it cannot be used.
    """
    if isinstance(result, Failure):
        return result
    if not isinstance(result, Mapping):
        return Failure(f"the scorer answered with {type(result).__name__}, not a reading")
    if result.keys() != columns.keys():
        odd = ", ".join(sorted(map(str, result.keys() ^ columns.keys())))
        return Failure(f"the reading's columns differ from those declared: {odd}")
    reading: dict[str, Cell] = {}
    for name, kind in columns.items():
        cell = _cell(result[name], kind)
        if cell is None:
            what = kind if kind in ("text", "bool") else f"finite {kind}"
            return Failure(f"column {name} holds no {what}: {str(result[name])[:40]}")
        reading[name] = cell
    return reading


def _cell(value: Any, kind: str) -> Cell | None:
    """The value as its column stores it, or None where it does not fit."""
    if kind in ("ints", "floats"):
        return _list(value, kind)
    if kind == "text":
        return storable(value) if isinstance(value, str) else None
    if kind == "bool" or isinstance(value, bool):
        return value if kind == "bool" and isinstance(value, bool) else None
    if not isinstance(value, Real):
        return None
    return _whole(value) if kind == "int" else _finite(value)


def _finite(value: Real) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _whole(value: Real) -> int | None:
    number = _finite(value)
    if number is None or not number.is_integer():
        return None
    whole = int(value) if isinstance(value, Integral) else int(number)
    return whole if -_LARGEST <= whole < _LARGEST else None


def _list(value: Any, kind: str) -> Sequence[int] | Sequence[float] | None:
    import numpy as np

    array = _numbers(value)
    if array is None:
        return None
    if kind == "floats":
        return array.astype(np.float64)  # type: ignore[return-value]
    if array.dtype.kind == "f" and (np.abs(array.astype(np.float64)) >= _LARGEST).any():
        return None
    whole = array.astype(np.int64)
    return whole if (whole == array).all() else None  # type: ignore[return-value]


def _numbers(value: Any) -> NDArray[Any] | None:
    """A plain list of finite numbers as an array, or None where it is anything else."""
    import numpy as np

    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__"):
        return None
    try:
        array: NDArray[Any] = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if array.ndim != 1 or (array.size and array.dtype.kind not in "if"):
        return None
    return array if np.isfinite(array.astype(np.float64)).all() else None
