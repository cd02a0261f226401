"""Texts on disk instead of in memory: a million long ones then take none."""

from __future__ import annotations

import os
import tempfile
import weakref


class Spool:
    """A temporary file of texts, which goes with its object or its process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="harness-")  # noqa: SIM115 - goes with us
        weakref.finalize(self, self._file.close)
        self._size = self._flushed = 0

    def add(self, *texts: str) -> int:
        """Put texts behind those that are there, and tell where the last one ends.

        Raises:
            OSError: The folder of temporary files is full.
        """
        for text in texts:
            self._size += self._file.write(text.encode("utf-8", "surrogatepass"))
        return self._size

    def read(self, start: int, end: int) -> bytes:
        """The bytes between two places that `add` told."""
        if end > self._flushed:
            self._file.flush()
            self._flushed = self._size
        return os.pread(self._file.fileno(), end - start, start)
