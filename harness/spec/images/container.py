"""Files by name: where each lies, or why it is refused, and its bytes one at a time."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar

from harness.errors import SpecError
from harness.pictures import MAX_BYTES, SUFFIXES
from harness.records import Failure

MAX_FILES = 500_000
"""The most files of one container; their names are held in memory."""
EXPANSION = 100
"""How many times its size a compressed container may unpack to."""
TOO_LARGE = Failure(f"the file has more than {MAX_BYTES:,} bytes")

# Pictures too, which are read as failures rather than passed over in silence.
_OTHER_SUFFIXES = (
    ".svg", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".ico", ".ppm", ".pgm", ".tga", ".psd",
    ".exr", ".hdr",
)  # fmt: skip

P = TypeVar("P")


class Container(Generic[P]):
    """The files of one folder, archive or table.

    `columns` is what is known of a file beside its content, by its name, in the
    order in which it was written down.
    """

    def __init__(self, path: Path, fetch: Callable[[P], bytes | Failure]) -> None:
        """Start with no file.

        Args:
            path: What the files come from, for errors.
            fetch: Reads what lies at a place: `MAX_BYTES` and one more at most.
        """
        self.path = path
        self.columns: dict[str, Mapping[str, str]] = {}
        self._fetch = fetch
        self._places: dict[str, P | Failure] = {}

    def add(self, name: str, place: P | Failure) -> None:
        """Note where a file lies, or why it is refused.

        Raises:
            SpecError: There are too many.
        """
        if len(self._places) >= MAX_FILES:
            raise SpecError(
                f"there are more than {MAX_FILES:,} files in it", where=str(self.path)
            )
        key = self.key(name)
        if key in self._places:
            place = Failure("two files have this name")
        elif not _is_plain(name, key):
            place = Failure("the file's name leads outside, or is no plain text")
        self._places[key] = place

    @staticmethod
    def key(name: str) -> str:
        """A name as it is kept: without `./`, and of what is no UTF-8 the escapes."""
        return str(PurePosixPath(name.encode("utf-8", "backslashreplace").decode()))

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._places)

    def pictures(self) -> Iterator[str]:
        """The names of pictures, and of links to what may be some, sorted; nothing hidden."""
        for name in self.names():
            path = PurePosixPath(name)
            suffix = path.suffix.lower()
            known = suffix in SUFFIXES or suffix in _OTHER_SUFFIXES
            refused = not suffix and isinstance(self._places[name], Failure)
            if (known or refused) and not any(map(_is_hidden, path.parts)):
                yield name

    def read(self, name: str) -> bytes | Failure:
        """The bytes of one file, or why there are none."""
        place = self._places.get(self.key(name))
        if place is None:
            return Failure("there is no file of this name")
        if isinstance(place, Failure):
            return place
        data = self._fetch(place)
        return TOO_LARGE if isinstance(data, bytes) and len(data) > MAX_BYTES else data


def expansion_limit(path: Path) -> int:
    """How many bytes a compressed container may unpack to; a small one holds one file."""
    return max(MAX_BYTES, EXPANSION * path.stat().st_size)


def too_expansive(path: Path) -> SpecError:
    """Say that a container passes `expansion_limit`."""
    return SpecError(
        f"it unpacks to more than {EXPANSION} times its size", where=str(path),
        fix="pack the images without compression: they are compressed already",
    )  # fmt: skip


def _is_plain(name: str, key: str) -> bool:
    path = PurePosixPath(key)
    inside = not path.is_absolute() and ".." not in path.parts and path.parts != ()
    odd = any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name)
    return inside and not odd and "\\" not in name


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part != "..")
