"""Vectors of media as encoders made them: stored once for each distinct medium, read whole.

<run>/features/<encoder>/part-000000.parquet       of outputs, and of prompts where asked
<run>/references/<encoder>-<dataset>/part-...      of a dataset that outputs are held against
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import digests
from harness.errors import AlteredError
from harness.records import Output

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from harness.engine.store import Store
    from harness.protocols import Bound, Reference

WHOLE = "whole"
"""The unit of the last row of a dataset's vectors: all of it has been read."""
_DIGITS = 16


def table_of(encoder: Bound) -> str:
    """Name the table of an encoder's vectors in a run."""
    return f"features/{encoder.fingerprint[:_DIGITS]}"


def reference_table(reference: Reference, encoder: Bound) -> str:
    """Name the table of a dataset's vectors in a run."""
    return f"references/{encoder.fingerprint[:_DIGITS]}-{reference.digest[:_DIGITS]}"


def key_of(output: Output) -> str:
    """Name what an output holds by its digest: equal media have one vector."""
    return output.media or text_key(output.text or "")


def text_key(text: str) -> str:
    """Name a text by its digest."""
    return digests.of_bytes(text.encode("utf-8", "replace"))


class Features:
    """Every vector of one encoder in one run, and why some have none.

    Args:
        store: The run.
        encoder: The encoder, bound.
        table: Where they lie, if not with those of the run's outputs.
    """

    def __init__(self, store: Store, encoder: Bound, table: str = "") -> None:
        import pyarrow.compute as pc

        place = table or table_of(encoder)
        names = ["key", "batch_id", "status", "error", "vector"]
        rows = store.columns(place, names, {encoder.fingerprint})
        rows = rows.filter(pc.not_equal(rows["batch_id"], WHOLE))
        good = [status == "ok" for status in rows["status"].to_pylist()]
        keys = rows["key"].to_pylist()
        self.failures = {
            key: str(why)
            for key, why, ok in zip(keys, rows["error"].to_pylist(), good, strict=True)
            if not ok
        }
        kept = rows["vector"].filter(_mask(good)).combine_chunks()
        self.matrix: NDArray[np.float32] = _matrix(kept, place)
        self.keys = [key for key, ok in zip(keys, good, strict=True) if ok]
        self._place = {key: row for row, key in enumerate(self.keys)}
        self.failures = {k: why for k, why in self.failures.items() if k not in self._place}

    def __contains__(self, key: str) -> bool:
        return key in self._place

    def one(self, key: str) -> NDArray[np.float32]:
        """The vector float32 [D] of one medium."""
        vector: NDArray[np.float32] = self.matrix[self._place[key]]
        return vector

    def of(self, keys: pa.ChunkedArray) -> NDArray[np.float32]:
        """The vectors of some media, float32 [n, D].

        Raises:
            AlteredError: One of them is not there.
        """
        try:
            rows = [self._place[key] for key in keys.to_pylist()]
        except KeyError as error:
            raise AlteredError(
                "the vector of a scored output is lost", where=str(error)
            ) from error
        found: NDArray[np.float32] = self.matrix[rows]
        return found


def reference_features(store: Store, reference: Reference, encoder: Bound) -> Features:
    """The vectors of a whole dataset, and which of its images have none."""
    return Features(store, encoder, reference_table(reference, encoder))


def _mask(good: list[bool]) -> pa.Array:
    import pyarrow as pa

    return pa.array(good, pa.bool_())


def _matrix(vectors: pa.ListArray, where: str) -> NDArray[np.float32]:
    import numpy as np

    if len(vectors) == 0:
        return np.empty((0, 0), dtype=np.float32)
    flat = vectors.flatten().to_numpy(zero_copy_only=False)
    widths = set(vectors.value_lengths().to_pylist())
    if len(widths) != 1:
        raise AlteredError("vectors of one encoder differ in length", where=where)
    matrix: NDArray[np.float32] = flat.reshape(len(vectors), widths.pop())
    return matrix
