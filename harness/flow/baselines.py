"""Runs to compare with, copied into the run that is compared: the champion's and anchors'."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from harness import digests, durable
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.contrasts import Baseline
from harness.ledger.seal import SEAL, verify
from harness.spec.policy import PolicySpec

FOLDER, INDEX, CHAMPION, ANCHOR = "baselines", "baselines.json", "champion", "anchor:"
ITSELF = "itself"
_FILES = ("manifest.json", "suite.json", SEAL)
_TABLES = ("cases", "features", "references", "scores")


def asked_for(policy: PolicySpec) -> tuple[str, ...]:
    """The other runs that a policy's rules compare with, as they name them."""
    names = {rule.compare.against for rule in policy.rules if rule.compare}
    return tuple(sorted(n for n in names if n == CHAMPION or n.startswith(ANCHOR)))


NONE: Literal["none"] = "none"
Champion = Path | Literal["none"] | None
"""The champion's run; `none` where there is known to be no champion; None: not told."""


def bring(store: Store, policy: PolicySpec, champion: Champion) -> None:
    """Copy the scores of the runs a policy compares with, sealed as they are.

    Args:
        store: The run.
        policy: What it is judged by.
        champion: The run of what is served now. Neither a run nor a copy of it is
            its own: judged again, it keeps the one it was compared with. Anchors are
            found by their seal, among the run folders beside this one.

    Raises:
        AlteredError: A run to compare with was changed after it was sealed.
    """
    known = dict(_index(store))
    for name in asked_for(policy):
        folder = champion if name == CHAMPION else _anchored(store, name)
        if folder == NONE:
            known[name] = None
        elif folder is not None and _is_itself(store, folder):
            known.setdefault(name, ITSELF)
        elif folder is not None:
            known[name] = _copied(store, folder)
    if known:
        store.write_json(INDEX, known)


def found(store: Store) -> dict[str, Baseline]:
    """The runs that were copied, by the name rules give them, checked against their seals.

    Raises:
        AlteredError: A copy was changed.
    """
    return {
        name: _checked(store, root)
        for name, root in _index(store).items()
        if root not in (None, ITSELF)
    }


def absent(store: Store) -> frozenset[str]:
    """The baselines that are known not to exist."""
    return frozenset(name for name, root in _index(store).items() if root is None)


def itself(store: Store, policy: PolicySpec) -> tuple[str, ...]:
    """Say which runs that a policy compares with are this very run."""
    known = _index(store)
    return tuple(
        f"{name} is this run itself, which proves nothing: compare it with another, by "
        "--champion RUN, or say that nothing is served yet, by --champion none"
        for name in asked_for(policy)
        if known.get(name) == ITSELF
    )


def champion_seal(store: Store) -> str | None:
    """The seal of the champion's run that this one was compared with, if it was."""
    return _index(store).get(CHAMPION)


def _index(store: Store) -> Mapping[str, str | None]:
    if not (store.root / INDEX).is_file():
        return {}
    return dict(store.read_json(INDEX))


def run_of_seal(runs: Path, wanted: str) -> Path | None:
    """The run folder whose seal is, or begins with, these digits."""
    for seal in sorted(runs.glob(f"*/{SEAL}")):
        if _root(seal).startswith(wanted):
            return seal.parent
    return None


def _is_itself(store: Store, folder: Path) -> bool:
    """Whether a folder is the run's own or a copy: no two runs have outputs of equal bytes."""
    if folder.resolve() == store.root.resolve():
        return True
    ours = digests.of_files(store.root / "outputs")
    return bool(ours) and ours == digests.of_files(folder / "outputs")


def _anchored(store: Store, name: str) -> Path | None:
    return run_of_seal(store.root.parent, name.removeprefix(ANCHOR))


def _root(seal: Path) -> str:
    """A seal's root digest; empty where it cannot be read, for it may be of another tool."""
    try:
        return str(Store(seal.parent).read_json(SEAL)["root"])
    except (AlteredError, KeyError, TypeError):
        return ""


def _copied(store: Store, folder: Path) -> str:
    root = verify(folder)
    target = store.root / FOLDER / root
    if target.is_dir():
        return root
    scratch = target.with_name(f"{root}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name in _FILES:
        shutil.copyfile(folder / name, scratch / name)
    for table in _TABLES:
        if (folder / table).is_dir():
            shutil.copytree(folder / table, scratch / table)
    scratch.rename(target)
    durable.told(target)
    return root


def _checked(store: Store, root: str) -> Baseline:
    folder = store.root / FOLDER / root
    copy = Store(folder)
    sealed: Any = copy.read_json(SEAL)
    now = digests.of_files(folder, skip=frozenset({SEAL}))
    wrong = [name for name, digest in now.items() if sealed["files"].get(name) != digest]
    lost = [
        n for n in sealed["files"] if n.split("/")[0] in (*_TABLES, *_FILES) and n not in now
    ]
    if wrong or lost or digests.of_tree(sealed["files"]) != root:
        raise AlteredError(
            "the copy of a run that is compared with was changed",
            where=", ".join([*wrong, *lost][:5]) or str(folder / SEAL),
            fix="delete the folder `baselines` and judge again",
        )
    return Baseline.of(copy)
