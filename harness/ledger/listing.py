"""The digest of every file under a folder, with nothing followed and nothing left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness import digests
from harness.errors import AlteredError


def list_files(root: Path, skip: Callable[[str], bool] = lambda _: False) -> dict[str, str]:
    """Digest every file under a folder, by its POSIX path relative to it.

    Links are refused: what they point to can change without the folder changing.
    So are names that do not print, since a line break in one could spell out the
    digests of other files.

    Args:
        root: The folder.
        skip: Says of a relative path whether to leave it out.

    Raises:
        AlteredError: The folder is absent, or holds something that cannot be digested.
    """
    if not root.is_dir():
        raise AlteredError("there is no such folder", where=str(root))
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if skip(name):
            continue
        if path.is_symlink():
            raise AlteredError(
                "a link stands where a file is expected",
                where=str(path),
                fix="copy the folder with its links resolved: cp -rL",
            )
        if path.is_dir():
            continue
        if not path.is_file() or not name.isprintable():
            raise AlteredError("not a plain file with a printable name", where=repr(str(path)))
        found[name] = digests.of_file(path)
    return found
