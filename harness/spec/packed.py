"""Prompts in a few arrays: a million short ones take a hundred megabytes, not five hundred."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Self, overload

from harness.records import Prompt

_ID = 32
_FIELDS = 3


class Prompts(Sequence[Prompt]):
    """Prompts with the digests that are their names; each is made anew when it is asked for."""

    def __init__(self, prompts: Iterable[Prompt] = ()) -> None:
        self._ids, self._texts = bytearray(), bytearray()
        self._ends, self._lengths = array("Q", [0]), array("I")
        self._tags: list[Mapping[str, str]] = []
        self._shared: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
        self._order: Sequence[int] = range(0)
        for prompt in prompts:
            self._add(prompt)

    def _add(self, prompt: Prompt) -> None:
        self._ids += bytes.fromhex(prompt.prompt_id)
        for text in (prompt.text, prompt.system, prompt.reference):
            self._texts += (text or "").encode("utf-8", "surrogatepass")
            self._ends.append(len(self._texts))
        self._lengths.append(len(prompt.text.encode("utf-8", "replace")))
        self._tags.append(self._shared.setdefault(tuple(prompt.tags.items()), prompt.tags))
        self._order = range(len(self._tags))

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> Prompt: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> Prompt | Self:
        """One prompt, or some of them, which share the arrays."""
        if isinstance(place, slice):
            return self._taken(self._order[place])
        row = self._order[place]
        text, system, reference = (self._text(_FIELDS * row + i) for i in range(_FIELDS))
        return Prompt(
            prompt_id=self._id(row),
            text=text,
            system=system or None,
            reference=reference or None,
            tags=self._tags[row],
        )

    def longest_first(self) -> Self:
        """The same prompts, those of most bytes first; of one length by name."""
        import numpy as np

        rows = np.asarray(self._order, dtype=np.int64)
        names = np.frombuffer(bytes(self._ids), dtype=">u8").reshape(-1, _ID // 8)[rows]
        longest = -np.asarray(self._lengths, dtype=np.int64)[rows]
        order = np.lexsort((*names.T[::-1], longest))
        return self._taken(array("I", rows[order].tolist()))

    def _taken(self, order: Sequence[int]) -> Self:
        taken = type(self)()
        taken.__dict__ |= self.__dict__ | {"_order": order}
        return taken

    def _id(self, row: int) -> str:
        return self._ids[_ID * row : _ID * (row + 1)].hex()

    def _text(self, field: int) -> str:
        start, end = self._ends[field], self._ends[field + 1]
        return self._texts[start:end].decode("utf-8", "surrogatepass")
