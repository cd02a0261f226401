"""What a bundle holds besides the run: a page to read first, a bill of materials, a key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import digests
from harness.engine.store import Store
from harness.ledger import bundle as form
from harness.ledger.bom import bom
from harness.ledger.decision import Decision
from harness.ledger.keys import PublicKey


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
