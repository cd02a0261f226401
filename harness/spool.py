"""Texts on disk instead of in memory: a million long ones then take none."""

from __future__ import annotations

import os
import tempfile
import weakref

_PENDING = 65_536


class Spool:
    """A temporary file of texts, which goes with its object or its process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="harness-", buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._pending = bytearray()
        self._written = 0

    def add(self, text: str) -> int:
        """Put a text behind those that are there, and tell where it ends, in bytes.

        Raises:
            OSError: The folder of temporary files is full.
        """
        self._pending += text.encode("utf-8", "surrogatepass")
        end = self._written + len(self._pending)
        if len(self._pending) >= _PENDING:
            self._write()
        return end

    def read(self, start: int, end: int) -> bytes:
        """The bytes between two places that `add` told.

        Raises:
            OSError: The folder of temporary files is full.
        """
        if end > self._written:
            self._write()
        return os.pread(self._file.fileno(), end - start, start)

    def _write(self) -> None:
        try:
            while self._pending:
                done = self._file.write(self._pending)
                del self._pending[:done]
                self._written += done
        except OSError as error:  # which does not name the folder
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from error
