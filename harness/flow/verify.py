"""Check a run or its bundle from nothing but its bytes and a public key."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import registry
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.assess import review
from harness.flow.bundle import beside
from harness.flow.reconcile import reconcile
from harness.flow.report import masked
from harness.flow.stored import recorded_scorers
from harness.ledger import bundle as form
from harness.ledger.decision import SIGNED, Decision, read_decision, read_envelope
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
    public = [read_public(one) for one in keys]
    believed = {key.key_id: key for key in public} if keys else trusted()
    if path.is_dir():
        return _run(path, believed, decision)
    if not path.is_file():
        raise AlteredError("there is no such run or bundle", where=str(path))
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        folder = Path(scratch)
        form.unpack(path, folder)
        found = _run(folder / form.RUN, believed, decision)
        made = beside(folder / form.RUN, found.decision, believed[found.decision.key_id])
        _check_beside(folder, made)
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
        raise AlteredError("the seal is not in the form it was written in", where=SEAL)
    items = reconcile(Store(root))
    view = review(root, recorded_scorers)
    _check_said(view, found)
    _check_reports(view, root)
    findings = sum(len(verdict.findings) for verdict in view.verdicts)
    return Verified(
        found,
        {
            "signature": f"{found.signer}, {found.time.isoformat(timespec='seconds')}, "
            f"key {found.key_id[:16]}",
            "files": f"all as sealed: {found.seal[:16]}",
            "items": f"{items.cases} cases, one answer each ({items.failed_outputs} failed), "
            f"{items.scores} scores ({items.failed_scores} failed)",
            "verdict": f"{(found.outcome or 'none').upper()} under policy "
            f"{found.policy['name']}, derived again (findings: {findings})",
            "reports": "made again, and the same",
        },
    )


def _check_said(view: RunView, signed: Decision) -> None:
    """Hold what the signer said against what the run comes to."""
    ours = {
        "outcome": view.outcome,
        "run": view.run_id,
        "models": dict(view.digests["subjects"]),
        "policy": view.digests["policy"],
        "suite": view.digests["suite"],
    }
    theirs = {
        "outcome": signed.outcome,
        "run": signed.run_id,
        "models": dict(signed.subjects),
        "policy": signed.policy["sha256"],
        "suite": signed.suite["sha256"],
    }
    if other := [name for name in ours if ours[name] != theirs[name]]:
        raise AlteredError(
            f"the run does not lead to what was signed, in {', '.join(other)}", where=SIGNED
        )


def _check_reports(view: RunView, root: Path) -> None:
    """Render every report again: a sealed report may still say what its scores do not."""
    for name, content in _reports(view):
        path = root / name
        if path.is_file() and path.read_bytes() != content:
            raise AlteredError(
                "a report is not what the stored scores lead to", where=str(path)
            )


def _reports(view: RunView) -> Iterator[tuple[str, bytes]]:
    for name in registry.names("reporters"):
        reporter = registry.load("reporters", name)()
        yield reporter.filename, reporter.render(masked(view))


def _check_beside(folder: Path, made: Mapping[str, bytes]) -> None:
    there = {item.name for item in folder.iterdir()}
    if odd := sorted(there ^ {form.RUN, *made}):
        raise AlteredError("the bundle lacks a file, or has one too many", where=odd[0])
    for name, content in made.items():
        if (folder / name).read_bytes() != content:
            raise AlteredError("not what the run leads to", where=name)


__all__ = ["Verified", "verify"]
