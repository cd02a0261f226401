"""Check a run or its bundle from nothing but its bytes and a public key."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import registry
from harness.engine.store import Store
from harness.errors import AlteredError, HarnessError, RefusedError
from harness.flow.alike import alike
from harness.flow.enclosed import beside
from harness.flow.reconcile import Reconciled, reconcile
from harness.flow.rederive import rederive
from harness.flow.report import masked
from harness.ledger import bundle as form
from harness.ledger.decision import (
    SIGNED,
    Decision,
    check_statement,
    read_decision,
    read_envelope,
)
from harness.ledger.dsse import StrangerError
from harness.ledger.evidence import read
from harness.ledger.keys import PublicKey, read_public, trusted
from harness.ledger.seal import SEAL, sealed_bytes
from harness.records import RunView


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked, each with what was found; all of it held."""

    decision: Decision
    checks: Mapping[str, str] = field(default_factory=dict)


def verify(path: Path, keys: Sequence[Path] = (), *, decision: str = "") -> Verified:
    """Digest everything, count everything, and derive the verdict again.

    Args:
        path: A run's folder, or a bundle.
        keys: Public keys that alone are believed; those trusted here when left out.
        decision: How the signed decision's digest has to begin.

    Raises:
        AlteredError: Anything at all is not what was signed.
        RefusedError: The run is not signed, or was made by another version.
    """
    if not keys:
        return _verify(path, trusted(), decision)
    believed = {key.key_id: key for key in map(read_public, keys)}
    try:
        return _verify(path, believed, decision)
    except StrangerError as error:
        given = " nor by ".join(str(one) for one in keys)
        raise StrangerError(
            f"not signed by {given}",
            where=f"{error.where}: {error.args[0]}",
            fix="give the key of who signed it: `harness keys show`, on that machine",
        ) from error


def _verify(path: Path, believed: Mapping[str, PublicKey], decision: str) -> Verified:
    if path.is_dir():
        return _run(path, believed, decision)
    if not path.is_file():
        raise AlteredError("there is no such run or bundle", where=str(path))
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        folder = Path(scratch)
        try:
            form.unpack(path, folder)
            found = _run(folder / form.RUN, believed, decision)
            made = beside(folder / form.RUN, found.decision, believed[found.decision.key_id])
            _check_members(folder, made)
        except HarnessError as error:
            raise _told_of(path, folder, error) from error
    more = {
        "container": "every byte is in the form it was written in",
        "summary and bill of materials": "made again, and the same",
    }
    return Verified(found.decision, {**found.checks, **more})


def _run(root: Path, believed: Mapping[str, PublicKey], wanted: str) -> Verified:
    envelope = root / SIGNED
    if envelope.is_file():  # before the digests, so that a stranger's signature is named first
        read_envelope(envelope.read_bytes(), believed, envelope)
    found = read_decision(root, believed)
    if not found.digest.startswith(wanted):
        raise AlteredError(
            "this is another decision than the one asked for",
            where=f"{root}: it is {found.digest[:16]}, asked for is {wanted[:16]}",
        )
    if (root / SEAL).read_bytes() != sealed_bytes(root):
        raise AlteredError(
            "the seal is not in the form it was written in", where=str(root / SEAL)
        )
    items, view = _again(root)
    check_statement(view, root, found)
    _check_reports(view, root)
    findings = sum(len(verdict.findings) for verdict in view.verdicts)
    return Verified(
        found,
        {
            "signature": f"{found.signer}, {found.time.isoformat(timespec='seconds')}, "
            f"key {found.key_id[:16]}",
            "files": f"all as sealed: {found.seal[:16]}",
            "items": f"{items.cases} cases, one answer each ({items.failed_outputs} failed), "
            f"{items.scores} scores ({items.failed_scores} failed)"
            + (f"; {items.unused} rows of before count no more" if items.unused else ""),
            "verdict": f"{(found.outcome or 'none').upper()} under policy "
            f"{found.policy['name']}, derived again (findings: {findings})",
            "reports": "made again, and the same",
        },
    )


def _again(root: Path) -> tuple[Reconciled, RunView]:
    """Count the items and derive the verdict; what cannot be read is no evidence."""
    try:
        return reconcile(Store(root)), rederive(root)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise AlteredError(
            f"the run's records are not in the form that this version writes: {error}",
            where=str(root),
        ) from error
    except HarnessError as error:
        if error.exit_code == AlteredError.exit_code:
            raise
        raise RefusedError(
            f"the run cannot be judged here: {error.args[0]}",
            where=error.where or str(root),
            fix="verify with the versions of harness and of its plug-ins that made the run",
        ) from error


def _check_reports(view: RunView, root: Path) -> None:
    """Render every report again: a sealed report may still say what its scores do not."""
    for name, content in _reports(view):
        path = root / name
        if path.is_file() and not alike(path.read_bytes(), content):
            raise AlteredError(
                "a report is not what the stored scores lead to", where=str(path)
            )


def _reports(view: RunView) -> Iterator[tuple[str, bytes]]:
    for name in registry.names("reporters"):
        reporter = registry.load("reporters", name)()
        yield reporter.filename, reporter.render(masked(view))


def _check_members(folder: Path, made: Mapping[str, bytes]) -> None:
    """Nothing may lie in a bundle that no digest and no signature covers."""
    sealed = read(folder / form.RUN, SEAL)["files"]
    expected = {*made, *(f"{form.RUN}/{name}" for name in (*sealed, SEAL, SIGNED))}
    files = (item for item in folder.rglob("*") if item.is_file())
    there = {item.relative_to(folder).as_posix() for item in files}
    if odd := sorted(there ^ expected):
        what = "has one file too many" if odd[0] in there else "lacks a file"
        raise AlteredError(f"the bundle {what}", where=str(folder / odd[0]))
    for name, content in made.items():
        if (folder / name).read_bytes() != content:
            raise AlteredError("not what the run leads to", where=str(folder / name))


def _told_of(path: Path, folder: Path, error: HarnessError) -> HarnessError:
    """Name the bundle, where the error names the place that it was unpacked to."""
    fix = error.fix
    if str(folder) in fix or not fix:
        fix = "ask for the bundle again; who made it can verify the run itself"
    where = error.where.replace(str(folder), str(path))
    return type(error)(str(error.args[0]), where=where, fix=fix)


__all__ = ["Verified", "verify"]
