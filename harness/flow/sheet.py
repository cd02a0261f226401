"""What one run holds, in full: arms, failures by cause, seal, sizes, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.engine.store import Store
from harness.errors import AlteredError, HarnessError, SpecError
from harness.flow.aggregate import ArmKey
from harness.flow.shelf import MANIFEST, Entry, entry, files, is_run, read_json
from harness.flow.shortfalls import shortfalls
from harness.ledger.seal import DECISION, SEAL, verify
from harness.protocols import Bound
from harness.spec.extend import load_policy
from harness.spec.load import digest, load
from harness.spec.suite import SuiteSpec


def sheet(folder: Path) -> dict[str, Any]:
    """Tell everything of one run, every file of it checked against its seal.

    Args:
        folder: The run.

    Raises:
        SpecError: The folder is no run.
        AlteredError: Its manifest or a table cannot be read.
    """
    if not is_run(folder):
        raise SpecError("there is no run", where=str(folder), fix="harness runs list")
    about = entry(folder)
    store = Store(folder)
    manifest = store.read_json(MANIFEST)
    seal, changed = _seal(folder)
    return {
        "run": manifest["run_id"],
        "folder": str(folder),
        "state": "altered" if changed else about.told,
        "reason": changed or about.reason,
        "when": about.when.isoformat(timespec="seconds"),
        "suite": about.suite,
        "policy": about.policy,
        "plan": manifest["plan"],
        "seal": seal,
        "recorded": (folder / "record.json").is_file(),
        "arms": [] if changed else _arms(store, manifest),  # nothing is told of altered rows
        "scorers": {n: s["fingerprint"] for n, s in sorted(manifest["scorers"].items())},
        "bytes": _sizes(folder),
        "next": list(_next(folder, about, manifest, changed=changed)),
    }


def _seal(folder: Path) -> tuple[str, str]:
    """The root digest of the seal, and what differs from it."""
    if not (folder / SEAL).exists():
        gone = (folder / DECISION).exists()
        return "", "it was judged, and its seal is gone" if gone else ""
    try:
        return verify(folder), ""
    except AlteredError as error:
        places = "; ".join(line.strip() for line in error.where.splitlines())
        return "", f"{error.args[0]}: {places}"


def _arms(store: Store, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each arm with its verdict, and what it lacks, by stage and cause."""
    keys = [ArmKey(a["generator"], a["strategy"], a["fingerprint"]) for a in manifest["arms"]]
    scorers = [
        Bound(name=name, use=name, plugin=None, fingerprint=item["fingerprint"])
        for name, item in sorted(manifest["scorers"].items())
    ]
    gaps = shortfalls(store, keys, scorers)
    named = ["generator", "strategy"]
    planned = store.columns("cases", named).group_by(named).aggregate([([], "count_all")])
    asked = {tuple(row[n] for n in named): row["count_all"] for row in planned.to_pylist()}
    verdicts = _verdicts(store)
    found = []
    for name in ((key.generator, key.strategy) for key in keys):
        mine = [gap for gap in gaps if (gap.generator, gap.strategy) == name]
        cases = asked.get(name, 0)
        failed = sum(gap.count for gap in mine if gap.stage == "generate")
        missing = [{"stage": g.stage, "count": g.count, "reason": g.reason} for g in mine]
        about = {"arm": "/".join(name), "verdict": verdicts.get(name), "missing": missing}
        found.append({**about, "cases": cases, "ok": cases - failed})
    return found


def _verdicts(store: Store) -> dict[tuple[str, str], str]:
    if not (store.root / DECISION).is_file():
        return {}
    written = store.read_json(DECISION)["verdicts"]
    return {(one["generator"], one["strategy"]): one["outcome"] for one in written}


def _sizes(folder: Path) -> dict[str, int]:
    """The bytes of each table; of all files beside the tables together, under `files`."""
    found: dict[str, int] = {}
    for name, (size, _) in files(folder).items():
        place, inside, _ = name.partition("/")
        if place == "scores":
            place = "/".join(name.split("/")[:2])
        table = place if inside else "files"
        found[table] = found.get(table, 0) + size
    return dict(sorted(found.items()))


def _next(
    folder: Path, about: Entry, manifest: Mapping[str, Any], *, changed: str
) -> Iterator[str]:
    """The commands that go on from here."""
    name = shlex.quote(str(folder))
    if changed:
        yield f"harness verify {name}"
        return
    if about.state == "unfinished":
        yield _resume(folder, name, manifest)
        return
    if about.state == "unjudged":
        yield f"harness judge {name} --policy POLICY"
    else:
        yield f"harness judge {name}"
    yield f"harness report {name}"


def _resume(folder: Path, name: str, manifest: Mapping[str, Any]) -> str:
    """The command that takes the run up; where its suite has changed, a place for its name."""
    local = read_json(folder / "local.json")
    suites = _yaml(local["base"])
    suite = _same(suites, manifest["suite"], lambda path: digest(load(path, SuiteSpec)))
    words = ["harness", "run", shlex.quote(suite) if suite else "SUITE"]
    if "policy_base" in local:
        words += ["--policy", _policy(folder, local["policy_base"])]
    words += ["--out", name]
    if looks := manifest.get("looks"):
        words += ["--sequential", "--budget", str(looks[-1])]
    return " ".join(words)


def _policy(folder: Path, base: str) -> str:
    kept = folder / "policy.json"
    if not kept.is_file():
        return "POLICY"
    wanted = digest(load_policy(kept))
    found = _same(_yaml(base), wanted, lambda path: digest(load_policy(path)))
    return shlex.quote(found) if found else "POLICY"


def _yaml(base: str) -> Sequence[Path]:
    return sorted(path for end in ("yaml", "yml") for path in Path(base).glob(f"*.{end}"))


def _same(paths: Sequence[Path], wanted: str, digest_of: Any) -> str:
    """The file of these that says the very same."""
    for path in paths:
        try:
            if digest_of(path) == wanted:
                return str(path)
        except (HarnessError, OSError):
            continue
    return ""
