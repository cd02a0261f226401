"""Ids as their 32 bytes, for a million of them: a quarter of what they take as texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.errors import AlteredError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Order = tuple[NDArray[np.int64], NDArray[np.bool_]]

BYTES = 32
_ID = re.compile("[0-9a-f]{64}")


def packed(ids: Iterable[str]) -> pa.Array:
    """Ids as arrow's `binary(32)`; their order is that of their texts.

    Raises:
        AlteredError: One is no id.
    """
    import pyarrow as pa

    names = list(ids)
    odd = [name for name in names if not (name and _ID.fullmatch(name))]
    if odd:
        raise AlteredError("what is stored as an id is no digest", where=repr(odd[0])[:100])
    buffers = [None, pa.py_buffer(bytes.fromhex("".join(names)))]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(BYTES), len(names), buffers)


def pack(table: pa.Table, name: str) -> pa.Table:
    """A table with one of its columns of ids packed.

    Raises:
        AlteredError: One is no id.
    """
    place = table.schema.get_field_index(name)
    return table.set_column(place, name, packed(table[name].to_pylist()))


def numbers(ids: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Packed ids as four numbers each, uint64 [n, 4], most significant first."""
    import numpy as np

    parts = [
        np.frombuffer(part.buffers()[1], dtype=">u8").reshape(-1, BYTES // 8)[
            part.offset : part.offset + len(part)
        ]
        for part in ids.chunks
    ]
    return np.concatenate([np.empty((0, BYTES // 8), dtype=">u8"), *parts])


def in_order(ids: NDArray[np.uint64]) -> Order:
    """Sort ids that are numbers, [n, 4].

    Returns:
        Their rows in order, int64 [n], rows of one id as they came; and for each of these
        whether its id is another than the one before, bool [n].
    """
    import numpy as np

    leading = ids[:, 0].astype(np.uint64)
    order = np.argsort(leading, kind="stable")
    new = _new(ids, order)
    if (new[1:] & (leading[order[1:]] == leading[order[:-1]])).any():
        order = np.lexsort(ids.T[::-1])
        new = _new(ids, order)
    return order, new


def _new(ids: NDArray[np.uint64], order: NDArray[np.int64]) -> NDArray[np.bool_]:
    import numpy as np

    new = np.zeros(len(order), dtype=np.bool_)
    new[:1] = True
    for column in ids.T:
        put = column[order]
        new[1:] |= put[1:] != put[:-1]
    return new
