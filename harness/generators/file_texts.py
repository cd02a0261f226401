"""The texts of a file by their prompts, in a few arrays and on disk: forty bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

from harness.records import Failure
from harness.spool import Spool


class Texts:
    """Outputs by prompt, each prompt's in the order of the file."""

    def __init__(self, pairs: Iterable[tuple[str, object]]) -> None:
        """Read pairs of a prompt and its output.

        Raises:
            OSError: The folder of temporary files is full.
        """
        import numpy as np

        self._told, self._ends, hashes = Spool(), array("Q", [0]), array("q")
        self._strange: dict[int, str] = {}
        for row, (prompt, output) in enumerate(pairs):
            if not isinstance(output, str):
                self._strange[row] = type(output).__name__
            for text in (prompt, output if isinstance(output, str) else ""):
                self._ends.append(self._told.add(text))
            hashes.append(hash(prompt))
        found: Any = np.frombuffer(hashes, dtype=np.int64)
        self._order = np.argsort(found, kind="stable")
        self._hashes = found[self._order]

    def of(self, prompt: str) -> list[str | Failure]:
        """All outputs of a prompt; a failure for each that is no text."""
        told, found = prompt.encode("utf-8", "surrogatepass"), hash(prompt)
        first, last = (
            int(self._hashes.searchsorted(found, side)) for side in ("left", "right")
        )
        rows = (int(row) for row in self._order[first:last])
        return [self._output(row) for row in rows if self._slice(2 * row) == told]

    def _output(self, row: int) -> str | Failure:
        if row in self._strange:
            return Failure(f"the file's output is {self._strange[row]}, not text")
        return self._slice(2 * row + 1).decode("utf-8", "surrogatepass")

    def _slice(self, field: int) -> bytes:
        return self._told.read(self._ends[field], self._ends[field + 1])
