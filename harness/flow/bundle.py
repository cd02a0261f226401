"""Everything that a verdict rests on in one file, for somebody who was not there."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from harness import digests
from harness.errors import SpecError
from harness.flow.enclosed import beside
from harness.flow.verify import verify
from harness.ledger import bundle as form
from harness.ledger.decision import SIGNED
from harness.ledger.keys import trusted
from harness.ledger.seal import SEAL

SUFFIX = ".evidence.zip"


def bundle(folder: Path, out: Path | None = None) -> Path:
    """Verify a signed run, and write it, its summary and its bill of materials to one file.

    The file holds outputs as they came, personal data included: it is for whom may
    read the run. Evidence that was handed over is not replaced: where a bundle of
    another state of the run lies, it stays.

    Args:
        folder: The run, judged and signed.
        out: Where to; beside the run when left out.

    Returns:
        The file.

    Raises:
        RefusedError: The run is not signed.
        AlteredError: It was changed since, or does not lead to its verdict.
        SpecError: There is something else at that place.
    """
    target = out or folder.resolve().with_name(f"{folder.resolve().name}{SUFFIX}")
    if target.resolve().is_relative_to(folder.resolve()):
        raise SpecError(
            "in its own folder a bundle would break the run's seal",
            where=str(target),
            fix="name a place outside of the run with --out",
        )
    decision = verify(folder).decision
    sealed = json.loads((folder / SEAL).read_bytes())["files"]
    names = [*sealed, SEAL, SIGNED]
    members: dict[str, Path | bytes] = {f"{form.RUN}/{name}": folder / name for name in names}
    members |= beside(folder, decision, trusted()[decision.key_id])
    if target.exists():
        _check_same(members, target)
    else:
        form.pack(members, target)
    return target


def _check_same(members: dict[str, Path | bytes], target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        again = Path(scratch) / target.name
        form.pack(members, again)
        if not target.is_file() or digests.of_file(again) != digests.of_file(target):
            raise SpecError(
                "there is something else already",
                where=str(target),
                fix="name another file with --out, or delete this one",
            )
