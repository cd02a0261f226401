"""What may be deleted among stored runs, and its deletion: only what is certainly useless.

Of a run that was sealed, nothing is ever deleted but the whole, and that only where it
was asked for by age or number, and nothing rests on the run. The attempts that a run
counted stay in `attempts.jsonl` beside it.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from harness import durable
from harness.engine import parts
from harness.engine.store import SCRATCH, Store
from harness.errors import AlteredError, BusyError, SpecError
from harness.flow.baselines import ANCHOR, INDEX
from harness.flow.shelf import MANIFEST, POLICY, Entry, entry, files, read_json, shelf

_DIGEST = re.compile(r"[0-9a-f]{64}")
_AGE = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_RECORD, _WORK = "record.json", ".compacting"


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A file or folder: why it may go, or why it stays although it was asked for.

    `when` is of a whole run: what was written to since it was looked at stays.
    """

    path: Path
    why: str
    size_bytes: int = 0
    when: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What goes and what stays."""

    going: tuple[Item, ...]
    staying: tuple[Item, ...]

    @property
    def size_bytes(self) -> int:
        """How much goes."""
        return sum(item.size_bytes for item in self.going)


def age(text: str) -> timedelta:
    """Read an age, as `30d`, `12h` or `8w`.

    Raises:
        SpecError: It is none.
    """
    found = _AGE.fullmatch(text)
    if not found:
        raise SpecError(f"{text!r} is no age", fix="say 12h, 30d or 8w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def useless(
    folder: Path, now: datetime, older: timedelta | None = None, keep: int | None = None
) -> Sweep:
    """Say what may go; nothing is touched.

    Args:
        folder: Where run folders lie.
        now: The time from which age is counted back.
        older: Whole runs that were last written longer ago go.
        keep: Whole runs beyond so many of the newest go; with `older`, those that are both.

    Raises:
        SpecError: There is no such folder.
    """
    runs = shelf(folder)
    going = [
        Item(path, "a run whose deletion was stopped", _size(path))
        for path in sorted(folder.iterdir())
        if SCRATCH.search(path.name) and path.is_dir() and not path.is_symlink()
    ]
    staying: list[Item] = []
    asked = _asked(runs, now, older, keep)
    rests = _rested_on(runs)
    for run in runs:
        if why := _unsafe(run):
            staying.append(Item(run.folder, why))
        elif run.name in asked and not (why := _needed(run, rests)):
            going.append(Item(run.folder, asked[run.name], run.size_bytes, run.when))
        else:
            staying += [Item(run.folder, why)] if run.name in asked else []
            try:
                going += _inside(run.folder)
            except AlteredError as error:
                staying.append(Item(run.folder, f"{error.args[0]} ({error.where})"))
    return Sweep(going=tuple(going), staying=tuple(staying))


def delete(folder: Path, sweep: Sweep) -> Sweep:
    """Delete what goes, each run under its lock; say what was deleted, and what was not."""
    gone: list[Item] = []
    staying = list(sweep.staying)
    by_run: dict[Path, list[Item]] = {}
    for item in sweep.going:
        top = folder / item.path.relative_to(folder).parts[0]
        by_run.setdefault(top, []).append(item)
    for run, items in by_run.items():
        try:
            deleted = _deleted(run, items)
        except (AlteredError, BusyError) as error:
            staying.append(Item(run, str(error.args[0])))
        else:
            gone += deleted
            staying += [Item(i.path, "it is in use by now") for i in items if i not in deleted]
    return Sweep(going=tuple(gone), staying=tuple(staying))


def _deleted(run: Path, items: Sequence[Item]) -> list[Item]:
    """Delete of one run what still may go, now that no other process can write it."""
    if SCRATCH.search(run.name):
        shutil.rmtree(run)
        return list(items)
    with _locked(run):
        if items[0].path == run:
            same = entry(run).when == items[0].when
            if same:  # renamed first: a run that is half deleted must not look like one
                aside = run.with_name(f"{run.name}.{uuid.uuid4().hex[:8]}.tmp")
                run.rename(aside)
                shutil.rmtree(aside)
            return list(items) if same else []
        still = {item.path for item in _inside(run)}
        found = [item for item in items if item.path in still]
        for item in found:
            item.path.unlink()
        return found


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    """Hold a run's lock without touching anything else in it.

    Raises:
        BusyError: Another process is writing this run.
    """
    lock = durable.lock(run / ".lock")
    if lock is None:
        raise BusyError("another process is writing this run", where=str(run))
    with lock:
        yield


def _busy(run: Path) -> bool:
    if not (run / ".lock").exists():
        return False
    try:
        with _locked(run):
            return False
    except BusyError:
        return True


def _asked(
    runs: Sequence[Entry], now: datetime, older: timedelta | None, keep: int | None
) -> dict[str, str]:
    """The runs that were asked for as a whole, and by what."""
    if older is None and keep is None:
        return {}
    return {
        run.name: f"a whole run: {run.told}, last written {run.when:%Y-%m-%d}"
        for place, run in enumerate(runs)
        if (older is None or now - run.when > older) and (keep is None or place >= keep)
    }


def _unsafe(run: Entry) -> str:
    """Why a run is not looked into any further."""
    if run.folder.is_symlink():
        return "it is a link"
    if run.state in ("unreadable", "altered"):
        return f"it is {run.state}: {run.reason}"
    return "another process is writing it" if _busy(run.folder) else ""


def _needed(run: Entry, rests: dict[str, str]) -> str:
    """Why a whole run must stay."""
    if (run.folder / _RECORD).exists():
        return "it is recorded in MLflow, where what is promoted rests on it"
    for start, other in rests.items():
        if run.seal and run.seal.startswith(start) and other != run.name:
            return f"the run {other} is compared with it"
    return ""


def _rested_on(runs: Sequence[Entry]) -> dict[str, str]:
    """The seals, or their first digits, of runs that others are compared with."""
    found: dict[str, str] = {}
    for run in runs:
        try:
            if (run.folder / INDEX).is_file():
                seals = read_json(run.folder / INDEX).values()
                found |= {seal: run.name for seal in seals if _DIGEST.fullmatch(seal or "")}
            if (run.folder / POLICY).is_file():
                rules = read_json(run.folder / POLICY)["rules"]
                named = [(rule.get("compare") or {}).get("against", "") for rule in rules]
                found |= {n.removeprefix(ANCHOR): run.name for n in named if ANCHOR in n}
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            continue  # its entry says that it cannot be read
    return found


def _inside(run: Path) -> Iterator[Item]:
    """What is useless within a run; in one that was sealed, nothing.

    Raises:
        AlteredError: A table cannot be read, so nobody knows what it names.
    """
    store = Store(run)
    # While a merge is half done, tables are in two places: the next run finishes it.
    if store.sealed() or (run / _WORK).exists():
        return
    for path in store.scratch():
        yield Item(path, "half-written", path.stat().st_size)
    yield from _unnamed_media(store)
    yield from _dropped_scores(store)


def _unnamed_media(store: Store) -> Iterator[Item]:
    """Media that a batch left which was never committed."""
    named = set(store.columns("outputs", ["media"])["media"].unique().to_pylist())
    for path in sorted((store.root / "media").glob("*/*")):
        if _DIGEST.fullmatch(path.name) and path.name not in named:
            yield Item(path, "no output names it", path.stat().st_size)


def _dropped_scores(store: Store) -> Iterator[Item]:
    """Scores of scorers that the plan names no more, or names in another version."""
    if not (store.root / MANIFEST).is_file():
        return
    wanted = {n: s["fingerprint"] for n, s in store.read_json(MANIFEST)["scorers"].items()}
    for table in sorted((store.root / "scores").glob("*")):
        for path in parts.paths(table):
            found = set(parts.read(path, ["fingerprint"])["fingerprint"].to_pylist())
            if wanted.get(table.name) not in found:
                yield Item(path, "the plan names its scorer no more", path.stat().st_size)


def _size(path: Path) -> int:
    return sum(size for size, _ in files(path).values())
