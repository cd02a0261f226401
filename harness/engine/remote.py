"""A run that lives at a URL: worked on in a copy here, kept there file by file.

<cache>/<digest of the URL above>/<run>/          the working copy
<cache>/<digest of the URL above>/attempts.jsonl  what the runs beside it share
<cache>/<digest of the URL above>/.state/         what the copy was when it was fetched

The URL is the truth: a copy is made equal to it before anything is done, so the
same command goes on from there on any machine.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness import digests, durable
from harness.engine.lease import Lease, waited
from harness.engine.mirror import LEASES, Mirror, Shared, files, listed
from harness.engine.objects import Found, Objects, is_url
from harness.errors import AlteredError, BusyError, SpecError, StorageError

JOURNAL = "attempts.jsonl"
_PATIENCE_SECONDS = 1.0  # two that come at once both step back; one more try parts them
_CRUSHED = re.compile(r"[a-z0-9+]{2,}:/[^/]")


def root(environ: Mapping[str, str] = os.environ) -> Path:
    """Name the folder of working copies: `$HARNESS_CACHE`, else in the user's cache."""
    if chosen := environ.get("HARNESS_CACHE"):
        return Path(chosen).expanduser().absolute()
    user = Path(environ.get("XDG_CACHE_HOME", ""))
    return (user if user.is_absolute() else Path.home() / ".cache") / "harness" / "runs"


def _quiet(_: str) -> None:
    """Tell nobody."""


@contextmanager
def working(place: Path | str, tell: Callable[[str], object] = _quiet) -> Iterator[Path]:
    """Give the folder to make or change a run in; a URL's is kept there as it is written.

    Args:
        place: A folder, which is given as it is, or a URL.
        tell: Hears what a person should know.

    Raises:
        BusyError: Another process is writing this run.
        StorageError: The store cannot be reached.
    """
    if not is_url(place):
        yield _folder(place)
        return
    at = _Place(str(place))
    with at.alone(), waited(at.lease(tell), _PATIENCE_SECONDS) as check:
        at.bring()
        journal = at.journal()
        journal.bring(journal.path)
        mirror = Mirror(at.objects, at.copy, journal, check)
        with durable.watch(mirror, at.copy, journal.path):
            yield at.copy
        at.note(mirror.close())


@contextmanager
def reading(place: Path | str) -> Iterator[Path]:
    """Give the folder to read a run in; of a URL a copy, which nobody else changes meanwhile.

    Raises:
        AlteredError: There is no run.
        BusyError: Another process here uses the copy.
        StorageError: The store cannot be reached.
    """
    if not is_url(place):
        yield _folder(place)
        return
    at = _Place(str(place))
    with at.alone():
        if not at.bring():
            raise AlteredError(
                "there is no run", where=at.objects.url, fix="mend the URL, or run the suite"
            )
        journal = at.journal()
        journal.bring(journal.path)
        yield at.copy


def _folder(place: Path | str) -> Path:
    if _CRUSHED.match(str(place)):
        raise SpecError(
            "this is no folder, and no whole URL",
            where=str(place),
            fix="give a URL as text, with both slashes: a Path loses one",
        )
    return Path(place)


class _Place:
    """A URL, and where its working copy and what is known of it lie."""

    def __init__(self, url: str) -> None:
        self.objects = Objects(url)
        self._above = self.objects.above()
        home = root() / digests.of_bytes(self._above.url.encode())[:16]
        self.copy, self._state = home / self.objects.name, home / ".state"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._state.mkdir(exist_ok=True)
        self._known = self._state / f"{self.objects.name}.json"
        self._writer = _writer(root())

    def lease(self, tell: Callable[[str], object]) -> Lease:
        """The right to write this run."""
        return Lease(self.objects, LEASES, self._writer, tell)

    def journal(self) -> Shared:
        """What the runs beside this one share."""
        path = self.copy.parent / JOURNAL
        return Shared(path, self._above, self._writer, self._state / f"{JOURNAL}.lock")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only process here that uses the copy."""
        lock = durable.lock(self._state / f"{self.objects.name}.lock")
        if lock is None:
            raise BusyError(
                "another process here uses the copy of this run",
                where=f"{self.objects.url}: {self.copy}",
                fix="wait for it, or set HARNESS_CACHE to another folder",
            )
        with lock:
            yield

    def bring(self) -> int:
        """Make the copy what is at the URL, fetch only what differs, and count its files."""
        there, here, known = listed(self.objects), files(self.copy), self._noted()
        for name in here.keys() - there.keys():
            here[name].unlink()
        for scratch in self.copy.rglob("*.tmp"):
            scratch.unlink()
        wanted = [
            name
            for name, found in sorted(there.items())
            if name not in here or known.get(name) != [found.token, digests.of_file(here[name])]
        ]
        self._fetch(wanted, there)
        _prune(self.copy)
        self.note(there)
        return len(there)

    def note(self, there: Mapping[str, Found]) -> None:
        """Remember of each file what it was at the URL, and its digest here."""
        here = files(self.copy)
        pairs = {n: [found.token, digests.of_file(here[n])] for n, found in there.items()}
        durable.write_json(self._known, pairs)

    def _fetch(self, names: list[str], there: Mapping[str, Found]) -> None:
        scratch = {name: self.copy / f"{name}.{uuid.uuid4().hex[:8]}.tmp" for name in names}
        self.objects.fetch(scratch)
        for name, path in scratch.items():
            if path.stat().st_size != there[name].size:
                raise StorageError(
                    f"{name} was changed while it was fetched",
                    where=self.objects.url,
                    fix="run the same command again",
                )
            path.chmod(0o600)
            path.replace(self.copy / name)

    def _noted(self) -> dict[str, list[str]]:
        try:
            return dict(json.loads(self._known.read_bytes()))
        except (OSError, ValueError):
            return {}


def _prune(folder: Path) -> None:
    """Take empty folders away: whether a folder is there can mean something."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _writer(folder: Path) -> str:
    """Name this cache, once and for ever."""
    path = folder / "writer"
    if not path.is_file():
        durable.write(path, uuid.uuid4().hex.encode())
    return path.read_text(encoding="utf-8")
