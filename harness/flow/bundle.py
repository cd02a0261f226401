"""Everything that a verdict rests on in one file, for somebody who was not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import digests
from harness.engine.store import Store
from harness.errors import SpecError
from harness.ledger import bundle as form
from harness.ledger.bom import bom
from harness.ledger.decision import SIGNED, Decision, read_decision
from harness.ledger.keys import PublicKey, trusted
from harness.ledger.seal import SEAL

SUFFIX = ".evidence.zip"


def bundle(folder: Path, out: Path | None = None) -> Path:
    """Write a signed run, its summary and its bill of materials to one file.

    The file holds outputs as they came, personal data included: it is for whom may
    read the run.

    Args:
        folder: The run, judged and signed.
        out: Where to; beside the run when left out.

    Returns:
        The file.

    Raises:
        RefusedError: The run is not signed.
        AlteredError: It was changed since.
        SpecError: There is something else at that place.
    """
    target = out or folder.with_name(f"{folder.resolve().name}{SUFFIX}")
    if target.exists() and not (target.is_file() and target.name.endswith(".zip")):
        raise SpecError("there is something else already", where=str(target), fix="say --out")
    keys = trusted()
    decision = read_decision(folder, keys)
    sealed = json.loads((folder / SEAL).read_bytes())["files"]
    names = [*sealed, SEAL, SIGNED]
    members: dict[str, Path | bytes] = {f"{form.RUN}/{name}": folder / name for name in names}
    form.pack(members | beside(folder, decision, keys[decision.key_id]), target)
    return target


def beside(folder: Path, decision: Decision, key: PublicKey) -> dict[str, bytes]:
    """What a bundle holds besides the run, made from the run and its signed decision."""
    store = Store(folder)
    parts = bom(decision, store.read_json("manifest.json"), store.read_json("suite.json"))
    report = (folder / "report.md").read_text(encoding="utf-8")
    return {
        form.SUMMARY: (summary(decision) + report).encode(),
        form.BOM: digests.canonical(parts) + b"\n",
        form.SIGNER: key.pem.encode(),
    }


def summary(decision: Decision) -> str:
    """A page's head that says who vouches for what, and how to check it without them."""
    models = "\n".join(
        f"| model `{name}` | `{digest}` |" for name, digest in sorted(decision.subjects.items())
    )
    return f"""# {(decision.outcome or "not judged").upper()}: evidence of run {decision.run_id}

Signed by {decision.author} on {decision.time:%Y-%m-%d at %H:%M} UTC, with {decision.tool}.

| what | SHA-256 |
|---|---|
{models}
| policy {_name(decision.policy)} | `{decision.policy["sha256"]}` |
| suite {_name(decision.suite)} | `{decision.suite["sha256"]}` |
| every file of the run, as one | `{decision.seal}` |
| signer's key | `{decision.key_id}` |

To check all of it offline: `pip install {decision.tool.replace(" ", "==")}`, get the
signer's public key from the signer (not from this file), and run
`harness verify THIS_FILE --key signer.pem`. It digests every file, counts every item,
derives every verdict from the stored scores again, and ends with exit code 3 if anything
differs. What it cannot show: that the scorers are right, or that no other run was made.

"""


def _name(spec: Mapping[str, Any]) -> str:
    return " ".join(str(spec[key]) for key in ("name", "version") if spec.get(key)) or "none"
