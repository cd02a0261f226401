"""The runs in a folder, one entry each, read from small files and Parquet's own counts.

Whether a run was changed is told here by the names of its files and the digests of its
JSON files, which hold the verdict; `show` and `verify` digest every file.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import digests
from harness.engine import parts
from harness.engine.store import SCRATCH
from harness.errors import AlteredError, SpecError
from harness.ledger.seal import DECISION, LATER, SEAL

MANIFEST, SUITE, POLICY = "manifest.json", "suite.json", "policy.json"
_MARKS = (MANIFEST, SUITE, SEAL, ".lock", "cases", "outputs")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run's folder.

    `state` is a verdict, or `unjudged`, `unfinished`, `altered` or `unreadable`; `reason`
    says why for the last two. `when` is when a file of it was last written. `cases` are
    planned, `answered` those with an output that is no failure, `failures` the others that
    were tried. `seal` is the root digest that its seal states.
    """

    name: str
    folder: Path
    state: str
    when: datetime
    size_bytes: int
    suite: str = ""
    policy: str = ""
    cases: int = 0
    answered: int = 0
    failures: int = 0
    seal: str = ""
    reason: str = ""

    @property
    def told(self) -> str:
        """The state in the words of a table."""
        if self.state == "unfinished":
            return f"unfinished {self.answered + self.failures} of {self.cases}"
        verdicts = ("pass", "fail", "inconclusive")
        return self.state.upper() if self.state in verdicts else self.state


def shelf(folder: Path) -> list[Entry]:
    """Every run in a folder, the newest first; what is no run of ours is left out.

    Raises:
        SpecError: There is no such folder.
    """
    if not folder.is_dir():
        raise SpecError(
            "there is no folder of runs", where=str(folder), fix="run a suite, or name another"
        )
    found = [entry(path) for path in folder.iterdir() if is_run(path)]
    return sorted(found, key=lambda one: (-one.when.timestamp(), one.name))


def is_run(path: Path) -> bool:
    """Whether a folder is a run, or cannot be looked into to tell."""
    if SCRATCH.search(path.name):
        return False
    try:
        if not path.is_dir():
            return False
        there = {item.name for item in path.iterdir()}
    except OSError:
        return True
    return len(there.intersection(_MARKS)) > 1 or (MANIFEST in there and _is_ours(path))


def entry(folder: Path) -> Entry:
    """Read one run's entry; whatever is wrong with it becomes its reason."""
    try:
        sizes = files(folder)
        times = [time for name, (_, time) in sizes.items() if name != ".lock"]
        when = max(times, default=folder.stat().st_mtime)
    except OSError as error:
        return _unreadable(folder, error)
    about: dict[str, Any] = {
        "name": folder.name,
        "folder": folder,
        "when": datetime.fromtimestamp(when, UTC),
        "size_bytes": sum(size for size, _ in sizes.values()),
    }
    try:
        return Entry(**about, **_content(folder, sizes))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = f"{type(error).__name__}: {error}"
    except AlteredError as error:
        said = f"{error.args[0]} ({error.where})"
    return Entry(**about, state="unreadable", reason=said)


def files(folder: Path) -> dict[str, tuple[int, float]]:
    """The bytes of each file, and when it was last written; nothing is followed."""
    found = {}
    for place, _, names in os.walk(folder, onerror=_refuse):
        for path in (Path(place) / name for name in names):
            about = path.lstat()
            found[path.relative_to(folder).as_posix()] = about.st_size, about.st_mtime
    return found


def _unreadable(folder: Path, error: OSError) -> Entry:
    return Entry(
        name=folder.name, folder=folder, state="unreadable", size_bytes=0,
        when=datetime.fromtimestamp(0, UTC), reason=error.strerror or str(error),
    )  # fmt: skip


def _is_ours(path: Path) -> bool:
    try:
        return bool({"run_id", "plan", "arms"} <= read_json(path / MANIFEST).keys())
    except (OSError, ValueError, AttributeError):
        return False


def _refuse(error: OSError) -> None:
    raise error


def _content(folder: Path, sizes: Mapping[str, Any]) -> dict[str, Any]:
    suite = read_json(folder / SUITE)["metadata"]["name"] if SUITE in sizes else ""
    policy = read_json(folder / POLICY)["metadata"] if POLICY in sizes else {}
    planned = read_json(folder / MANIFEST)["cases"] if MANIFEST in sizes else 0
    asked, _ = counted(folder, "cases")
    rows, answered = counted(folder, "outputs")
    told = f"{policy['name']} {policy.get('version') or ''}".strip() if policy else ""
    state, seal, reason = _state(folder, sizes)
    finished = state not in ("unfinished", "unreadable")
    return {
        "suite": suite, "policy": told, "state": state, "seal": seal, "reason": reason,
        "cases": asked if finished or not planned else planned,
        "answered": answered,
        # Before it is finished, failures that were asked again are counted until they answer.
        "failures": max(0, min(rows - answered, (asked or planned) - answered)),
    }  # fmt: skip


def _state(folder: Path, sizes: Mapping[str, Any]) -> tuple[str, str, str]:
    """The state, the seal's root and, of an altered run, what was changed."""
    if SEAL not in sizes:
        if DECISION in sizes:
            return "altered", "", "it was judged, and its seal is gone"
        return "unfinished", "", ""
    seal = read_json(folder / SEAL)
    sealed, root = seal["files"], seal["root"]
    there = {name for name in sizes if name not in LATER and not name.endswith(".tmp")}
    changes = [f"added: {name}" for name in sorted(there - sealed.keys())]
    changes += [f"removed: {name}" for name in sorted(sealed.keys() - there)]
    changes += [
        f"changed: {name}"
        for name in sorted(there & sealed.keys())
        if "/" not in name and name.endswith(".json")
        if digests.of_file(folder / name) != sealed[name]
    ]
    if digests.of_tree(sealed) != root:
        changes.append("the seal contradicts itself")
    if changes:
        return "altered", root, "; ".join(changes[:3])
    if DECISION not in sizes:
        return "unfinished", root, ""
    return read_json(folder / DECISION)["outcome"] or "unjudged", root, ""


def counted(folder: Path, table: str) -> tuple[int, int]:
    """How many rows a table has, and how many of them have no error, by Parquet's counts.

    Raises:
        AlteredError: A part cannot be read.
    """
    rows = good = 0
    for path in parts.paths(folder / table):
        for total, fine in _of_part(path):
            rows, good = rows + total, good + fine
    return rows, good


def _of_part(path: Path) -> Iterator[tuple[int, int]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = pq.read_metadata(path)
        names = about.schema.names
        for index in range(about.num_row_groups):
            group = about.row_group(index)
            fine = 0
            if "error" in names:
                fine = group.column(names.index("error")).statistics.null_count
            yield group.num_rows, fine
    except (pa.ArrowException, OSError, AttributeError) as error:
        raise AlteredError(f"a part cannot be read: {error}", where=str(path)) from error


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_bytes())
