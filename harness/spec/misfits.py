"""What does not fit in one file, gathered so that it can all be said at once."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from harness.errors import SpecError
from harness.registry import suggest

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True, order=True)
class Misfit:
    """One thing wrong, at a line counted from 1 (0: the file as a whole)."""

    line: int
    message: str
    fix: str = ""


class Misfits:
    """Gathers what is wrong with one file; keeps the first `shown` and counts the rest."""

    def __init__(self, name: str, *, shown: int = 20) -> None:
        self.name = name
        self.count = 0
        self._shown = shown
        self._kept: list[Misfit] = []

    def add(self, line: int, message: str, fix: str = "") -> None:
        """Note one misfit."""
        self.count += 1
        if len(self._kept) < self._shown:
            self._kept.append(Misfit(line, message, fix))

    def check(self) -> None:
        """Raise everything gathered, if anything was.

        Raises:
            SpecError: Something was added.
        """
        if self.count:
            raise self.error()

    def error(self) -> SpecError:
        """Everything gathered, in the order of the lines, as one error."""
        first, *others = kept = sorted(self._kept)
        if not others:
            return SpecError(first.message, where=self._where(first), fix=first.fix)
        lines = [f"{self.count} things do not fit in {self.name}"]
        lines += [
            f"  {self._where(m)}: {'; '.join(filter(None, (m.message, m.fix)))}" for m in kept
        ]
        if self.count > len(kept):
            lines.append(f"  and {self.count - len(kept)} more")
        return SpecError("\n".join(lines), where=self._where(first))

    def _where(self, misfit: Misfit) -> str:
        return f"{self.name}:{misfit.line}" if misfit.line else self.name


def shown(value: object) -> str:
    """Write a value of the user's for an error: on one line, short, nothing unprintable."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."


def unreadable(path: Path, error: OSError | ValueError) -> SpecError:
    """Say why a file cannot be opened, and name a neighbour it may have been meant for."""
    name = shown(str(path))
    if not isinstance(error, OSError):
        return SpecError(f"{name} cannot be a file's name: {error}", where=name)
    if error.errno == errno.ENOENT:
        return SpecError("there is no such file", where=str(path), fix=_neighbour(path))
    return SpecError(f"cannot be read: {error.strerror or error}", where=str(path))


def _neighbour(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {str(path.parent)!r} either"
    return suggest(path.name, sorted(entry.name for entry in path.parent.iterdir()))
