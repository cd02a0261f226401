"""The bad things that scorers saw in outputs: true shares that their metrics want low."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness import ids
from harness.engine.store import Store
from harness.protocols import Bound, Proportion

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class Flags:
    """Which outputs of a run have which flag, as `scorer.column`; packed ids, no texts."""

    def __init__(self, store: Store, scorers: Sequence[Bound]) -> None:
        self._seen = {
            f"{scorer.name}.{name}": _seen(store, scorer, name)
            for scorer in scorers
            for name in _bad(scorer)
        }

    def counts(self, outputs: pa.ChunkedArray) -> NDArray[np.int64]:
        """How many flags each of some outputs has, int64 [n]. Their ids are packed."""
        import numpy as np
        import pyarrow.compute as pc

        found = np.zeros(len(outputs), dtype=np.int64)
        for seen in self._seen.values():
            found += pc.is_in(outputs, seen).to_numpy()
        return found

    def of(self, output: str) -> tuple[str, ...]:
        """The flags of one output, in the order of the suite's scorers."""
        import pyarrow.compute as pc

        one = ids.packed([output])
        return tuple(
            name for name, seen in self._seen.items() if pc.is_in(one, seen)[0].as_py()
        )


def _bad(scorer: Bound) -> list[str]:
    every = scorer.plugin.metrics.values()
    return sorted(
        {m.kind.column for m in every if isinstance(m.kind, Proportion) and m.better == "lower"}
    )


def _seen(store: Store, scorer: Bound, column: str) -> pa.ChunkedArray:
    """The packed ids of the outputs for which a column is true."""
    import pyarrow as pa

    name = f"value_{column}"

    def true(part: pa.Table) -> pa.Table:
        seen = part.filter(part[name].cast(pa.bool_()))
        return ids.pack(seen.select(["output_id"]), "output_id")

    place, names = f"scores/{scorer.name}", ["output_id", name]
    return store.columns(place, names, {scorer.fingerprint}, each=true)["output_id"]
