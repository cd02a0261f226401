"""Keep a run's working copy at a URL too, in the order in which it is written.

A file goes up once it is whole; so what lies at the URL is at any moment a state
that the folder was in, and all that holds of a killed run in a folder holds of it.
Media are the exception: they are named by their digest, so their order is nobody's
concern, and they go up many at a time, before the first file that may speak of them.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from harness import durable
from harness.engine.lease import Lease, waited
from harness.engine.objects import Found, Objects
from harness.errors import StorageError

SEAL, MEDIA, LEASES = "seal.json", "media/", ".lease"
_PATIENCE_SECONDS = 60.0


class Mirror:
    """Hears of what is written in a working copy, and does the same at the URL.

    Args:
        objects: The URL.
        copy: The working copy, which holds just what the URL does.
        journal: Who keeps the file that the runs beside it share.
        check: Raises where the right to write at the URL was lost.
    """

    def __init__(
        self, objects: Objects, copy: Path, journal: Shared, check: Callable[[], None]
    ) -> None:
        self._objects, self._copy, self._journal, self._check = objects, copy, journal, check
        self._media: dict[str, Path] = {}
        self._known: set[str] = set()
        self._folders: set[str] = set()
        self._note(files(copy))

    def wrote(self, path: Path) -> None:
        """Put a file there, or a folder of files, after the media that it may speak of."""
        if path == self._journal.path:
            return  # put there by whoever was alone with it
        name = path.relative_to(self._copy).as_posix()
        if name.startswith(MEDIA):
            self._media[name] = path
            return
        whole = path.is_dir()
        found = {f"{name}/{one}": at for one, at in files(path).items()} if whole else {}
        if name == SEAL:
            self._settle()
        self._put(self._media)
        self._media = {}
        self._put(found or {name: path})

    def removed(self, path: Path) -> None:
        """Delete a file there, or a folder of files."""
        name = path.relative_to(self._copy).as_posix()
        gone = [name] if name in self._known else []
        if name in self._folders:
            gone = [one for one in self._known if one.startswith(f"{name}/")]
            self._folders.discard(name)
        self._remove(gone)

    def fresh(self, path: Path) -> None:
        """Bring what the runs beside this one added to their journal."""
        self._journal.bring(path)

    def alone(self, path: Path) -> AbstractContextManager[None]:
        """Let no run beside this one, on any machine, add to the journal meanwhile."""
        return self._journal.alone(path)

    def close(self) -> dict[str, Found]:
        """Make sure that what is here is there, and nothing else; give what is there.

        Raises:
            StorageError: Somebody changes the URL meanwhile.
        """
        self._settle(final=SEAL)
        there = listed(self._objects)
        sizes = {name: path.stat().st_size for name, path in files(self._copy).items()}
        if {name: found.size for name, found in there.items()} != sizes:
            raise StorageError(
                f"{len(there)} files are at the URL and {len(sizes)} were put there, or their "
                "sizes differ: somebody else changes it",
                where=self._objects.url,
                fix="see who does, and run the same command again",
            )
        return there

    def _settle(self, *, final: str = "") -> None:
        """Look what is there, and do what nobody told: so a seal never lacks a file."""
        here, there = files(self._copy), listed(self._objects)
        self._known = set(there)
        self._remove([name for name in there if name not in here])
        lacking = {
            name: path
            for name, path in here.items()
            if name != SEAL and (name not in there or there[name].size != path.stat().st_size)
        }
        self._put(lacking)
        self._media = {}
        if final in here and final not in self._known:
            self._put({final: here[final]})

    def _put(self, sources: Mapping[str, Path]) -> None:
        if sources:
            self._check()
            self._objects.put(sources)
            self._note(sources)

    def _remove(self, names: list[str]) -> None:
        """Delete; the seal last, so that no decision lies there without one."""
        if names:
            self._check()
            self._objects.remove(sorted(names, key=lambda name: (name == SEAL, name)))
            self._known.difference_update(names)

    def _note(self, sources: Mapping[str, Path]) -> None:
        self._known.update(sources)
        self._folders.update(str(up) for name in sources for up in Path(name).parents)


class Shared:
    """A file that the runs under one URL share: fetched before it is read or added to.

    Args:
        path: The working copy's.
        objects: Where it is kept, under its own name.
        writer: As a lease has it.
        lock: A file that the processes here lock, of which only one asks at a time.
    """

    def __init__(self, path: Path, objects: Objects, writer: str, lock: Path) -> None:
        self.path, self._objects, self._lock = path, objects, lock
        self._lease = Lease(objects, f"{path.name}{LEASES}", writer, lambda _: None)

    def bring(self, path: Path) -> None:
        """Make the file here what is kept."""
        with locked(self._lock):
            self._bring(path)

    @contextmanager
    def alone(self, path: Path) -> Iterator[None]:
        """Be the only one, on any machine; what was added is kept at the end."""
        with locked(self._lock), waited(self._lease, _PATIENCE_SECONDS) as check:
            self._bring(path)
            yield
            check()
            self._objects.put({path.name: path})

    def _bring(self, path: Path) -> None:
        data = self._objects.read(path.name)
        if data is None:
            path.unlink(missing_ok=True)
        else:
            durable.write(path, data)


def files(folder: Path) -> dict[str, Path]:
    """The files of a run's folder that are kept, by their names in it."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = ((path.relative_to(folder).as_posix(), path) for path in found)
    return {n: path for n, path in named if n != ".lock" and not n.endswith(".tmp")}


def listed(objects: Objects) -> dict[str, Found]:
    """The files of a run that are at a URL."""
    there = objects.listed()
    return {name: at for name, at in there.items() if not name.startswith(f"{LEASES}/")}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for, and hold, a lock among the processes of this machine."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
