"""Prompts in a few arrays, and their texts on disk: sixty bytes each, however long they are."""

from __future__ import annotations

import copy
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Self, overload

from harness import ids
from harness.records import Prompt
from harness.spool import Spool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Prompts(Sequence[Prompt]):
    """Prompts with the digests that are their names; each is made anew when it is asked for."""

    def __init__(self, prompts: Iterable[Prompt] = ()) -> None:
        """Keep prompts in their order.

        Raises:
            OSError: The folder of temporary files is full.
        """
        self._spool, self._ids = Spool(), bytearray()
        # Where each one's texts end, where in them its text and system text end, and its tags.
        self._ends, self._cuts, self._tags = array("Q", [0]), array("I"), array("I")
        self._every_tags: list[Mapping[str, str]] = []
        known: dict[tuple[tuple[str, str], ...], int] = {}
        for prompt in prompts:
            self._ids += bytes.fromhex(prompt.prompt_id)
            for text in (prompt.text, prompt.system or "", prompt.reference or ""):
                self._cuts.append(self._spool.add(text) - self._ends[-1])
            self._ends.append(self._ends[-1] + self._cuts.pop())
            place = known.setdefault(tuple(prompt.tags.items()), len(known))
            if place == len(self._every_tags):
                self._every_tags.append(prompt.tags)
            self._tags.append(place)
        self._order: Sequence[int] = range(len(self._tags))

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> Prompt: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> Prompt | Self:
        """One prompt, or some of them, which share what they are kept in."""
        if isinstance(place, slice):
            return self._taken(self._order[place])
        row = self._order[place]
        start, end = self._ends[row : row + 2]
        text, system = self._cuts[2 * row : 2 * row + 2]
        told = self._spool.read(start, end)
        return Prompt(
            prompt_id=self._id(row),
            text=told[:text].decode("utf-8", "surrogatepass"),
            system=told[text:system].decode("utf-8", "surrogatepass") or None,
            reference=told[system:].decode("utf-8", "surrogatepass") or None,
            tags=self._every_tags[self._tags[row]],
        )

    def ids(self) -> Iterator[str]:
        """Their ids, in order; no text is read."""
        return map(self._id, self._order)

    def distinct(self) -> Self:
        """The first of each id, in their order."""
        import numpy as np

        rows, order, new = self._sorted()
        return self._at(rows[np.sort(order[new])])

    def by_id(self) -> Self:
        """The same prompts, in the order of their ids."""
        rows, order, _ = self._sorted()
        return self._at(rows[order])

    def longest_first(self) -> Self:
        """The same prompts, those of most bytes first; of one length by id."""
        import numpy as np

        rows, order, _ = self._sorted()
        rows = rows[order]
        longest = -np.frombuffer(self._cuts, dtype=np.uint32)[::2].astype(np.int64)
        return self._at(rows[np.argsort(longest[rows], kind="stable")])

    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Rows, and `ids.in_order` of their ids."""
        import numpy as np

        rows = np.asarray(self._order, dtype=np.int64)
        every = np.frombuffer(self._ids, dtype=">u8").reshape(-1, ids.BYTES // 8)
        return rows, *ids.in_order(every[rows])

    def _at(self, rows: NDArray[np.int64]) -> Self:
        import numpy as np

        return self._taken(array("I", rows.astype(np.uint32).tobytes()))

    def _taken(self, order: Sequence[int]) -> Self:
        taken = copy.copy(self)
        taken._order = order
        return taken

    def _id(self, row: int) -> str:
        return self._ids[ids.BYTES * row : ids.BYTES * (row + 1)].hex()
