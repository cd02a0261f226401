"""Which pictures a report blurs until its reader asks to see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.engine.store import Store
from harness.protocols import Bound

_SENSITIVE = re.compile("nsfw|toxi|unsafe|explicit|obscene|nud[ei]|sexual|gore|violen", re.I)


@dataclass(frozen=True, slots=True)
class Veil:
    """The scorers that look for what not everyone wants to see, and what each has read."""

    guards: tuple[tuple[str, frozenset[str]], ...]

    def reason(self, output: str, flags: Sequence[str]) -> str:
        """Say why an output is hidden; empty where it may be seen.

        What a guard could not read is hidden too: not looked at is not clean.
        """
        names = [f"{name}." for name, _ in self.guards]
        found = [f for f in flags if _SENSITIVE.search(f) or f.startswith(tuple(names))]
        if found:
            return f"flagged by {', '.join(found)}"
        unread = [name for name, read in self.guards if output not in read]
        return f"not read by {', '.join(unread)}" if unread else ""


def veil(store: Store, scorers: Sequence[Bound]) -> Veil:
    """Find the guards among the scorers that read pictures, and what they have read."""
    return Veil(
        tuple(
            (scorer.name, _read(store, scorer))
            for scorer in scorers
            if "image" in scorer.plugin.accepts
            and _SENSITIVE.search(f"{scorer.use} {scorer.name}")
        )
    )


def _read(store: Store, scorer: Bound) -> frozenset[str]:
    table = store.columns(
        f"scores/{scorer.name}", ("output_id", "status"), {scorer.fingerprint}
    )
    rows = zip(table["output_id"].to_pylist(), table["status"].to_pylist(), strict=True)
    return frozenset(output for output, status in rows if status == "ok")
