"""Names made from content: of a value, of bytes, of files, of a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def of_json(value: object) -> str:
    """Sha256, in hex, of a value written as canonical JSON."""
    return of_bytes(canonical(value))


def of_list(names: Iterable[str]) -> str:
    """Sha256, in hex, of a list of texts: `of_json` of it, without holding it at once.

    >>> of_list(["a", "b"]) == of_json(["a", "b"])
    True
    """
    made = hashlib.sha256(b"[")
    for place, name in enumerate(names):
        made.update((b"," if place else b"") + canonical(name))
    made.update(b"]")
    return made.hexdigest()


def canonical(value: object) -> bytes:
    """Write a value as JSON with sorted keys, no spaces, no NaN: equal values, equal bytes."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass")


def plain(value: object) -> Any:
    """A value as it reads back from JSON: keys are text, tuples are lists."""
    return json.loads(canonical(value))


def of_bytes(data: bytes) -> str:
    """Sha256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> str:
    """Sha256 of a file's bytes, in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_files(root: Path, *, skip: frozenset[str] = frozenset()) -> dict[str, str]:
    """Digest of every regular file under a folder, by its POSIX path relative to it."""
    return {
        path.relative_to(root).as_posix(): of_file(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).as_posix() not in skip
    }


def of_tree(files: Mapping[str, str]) -> str:
    """One digest that stands for a whole folder, from the digests of its files."""
    return of_bytes("".join(f"{d}  {n}\n" for n, d in sorted(files.items())).encode())
